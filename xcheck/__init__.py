"""xcheck verifies derivatives and curvature across PyTorch and JAX against a certified reference.

>>> import xcheck
>>> xcheck.load_cases()["tanh_mlp"].p
141
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "Case": "case", "Quantity": "quantity", "implements": "quantity", "Sizes": "quantity",
    "Normal": "arrays", "LogNormal": "arrays", "Uniform": "arrays", "Linspace": "arrays", "Integers": "arrays",
    "Literal": "arrays", "Computed": "arrays", "Stored": "arrays",
    "Limitation": "result", "Convention": "result", "Outcome": "result", "Result": "result",
    "XCheckError": "_errors", "UsageError": "_errors", "CaseError": "_errors", "Unsupported": "_errors",
    "NoReference": "_errors", "Mismatch": "_errors",
    "load_cases": "_load", "reference": "_guard", "Reference": "_reference",
    "judge": "diagnose", "check": "diagnose", "Verdict": "_judge",
    "problem": "_problem", "Problem": "_problem",
    "verify": "run", "Results": "run", "parity": "_parity",
    "parametrize": "suite", "Suite": "suite",
    "program": None, "layerwise": None,
}  # fmt: skip

__all__ = sorted(_PUBLIC)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Public names are looked up when first asked for, so that `import xcheck` stays light."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'xcheck' has no attribute {name!r}")
    home = _PUBLIC[name]
    found = importlib.import_module(f"xcheck.{home or name}")
    value = found if home is None else getattr(found, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
