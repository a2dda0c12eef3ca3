"""Reference: the certified value of one quantity at one case, with its bound, its rounding scale and its margin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from xcheck._tree import tree


@dataclass(frozen=True)
class Leaf:
    """One array of a reference: `|value + low - truth| <= radius`, and S, the rounding scale; all float64."""

    value: np.ndarray
    low: np.ndarray
    radius: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True)
class Reference:
    """What the judge compares with.

    `margin` is the least |z| / S_z over all comparisons that the program makes (inf where it makes none); `status` is
    "certified", or "convention" where the case sits on a kink.
    """

    case: str
    quantity: str
    dtype: str
    leaves: Mapping[str, Leaf]
    margin: float
    status: str = "certified"

    @property
    def value(self) -> Any:
        return tree({path: leaf.value for path, leaf in self.leaves.items()})

    @property
    def low(self) -> Any:
        return tree({path: leaf.low for path, leaf in self.leaves.items()})

    @property
    def radius(self) -> Any:
        return tree({path: leaf.radius for path, leaf in self.leaves.items()})

    @property
    def scale(self) -> Any:
        return tree({path: leaf.scale for path, leaf in self.leaves.items()})
