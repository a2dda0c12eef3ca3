"""The tolerances of other checks, as their documentation gives them: what each would have said of the same results.

`passes <=> |A - R| <= absolute + relative |R|` in every entry, which is what all of them compute. They are handed the
right result to compare with, which `check_grads` and `gradcheck` have to do without: they take finite differences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Competitor:
    """Relative and absolute tolerance for each dtype, and where they are written down."""

    name: str
    tolerances: Mapping[str, tuple[float, float]]
    source: str

    def passes(self, actual: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray], dtype: str) -> bool:
        relative, absolute = self.tolerances[dtype]
        return all(
            bool(np.all(np.abs(np.float64(A) - right[path]) <= absolute + relative * np.abs(right[path])))
            for path, A in actual.items()
        )


COMPETITORS = (
    Competitor(
        "torch.testing.assert_close",
        {"float64": (1e-7, 1e-7), "float32": (1.3e-6, 1e-5)},
        "PyTorch 2.13, torch.testing.assert_close, the table of defaults by dtype",
    ),
    Competitor(
        "np.testing.assert_allclose",
        {"float64": (1e-7, 0.0), "float32": (1e-7, 0.0)},
        "NumPy 2.4, numpy.testing.assert_allclose, defaults, the same for every dtype",
    ),
    Competitor(
        "jax.test_util.check_grads",
        {"float64": (1e-5, 1e-5), "float32": (2e-3, 2e-3)},
        "JAX 0.10, jax.test_util.check_grads: default_gradient_tolerance, as relative and as absolute tolerance",
    ),
    Competitor(
        "torch.autograd.gradcheck",
        {"float64": (1e-3, 1e-5), "float32": (1e-3, 1e-5)},
        "PyTorch 2.13, torch.autograd.gradcheck, defaults, made for float64 and used for float32 with a warning",
    ),
    Competitor(
        "chex.assert_trees_all_close",
        {"float64": (1e-6, 0.0), "float32": (1e-6, 0.0)},
        "chex 0.1.92, chex.assert_trees_all_close, defaults, the same for every dtype",
    ),
)
