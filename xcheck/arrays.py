"""Array descriptors: what a case declares instead of numbers.

A descriptor is data: its repr says everything, and the digest of the repr names the stored bytes. Values are made once
in NumPy float64 and rounded to `dtype` (float32 unless said otherwise), so that float64 and float32 runs have one
reference. NumPy's streams and libm differ between machines, so the bytes of shipped cases lie beside the case file in
`values/`; a descriptor without stored bytes is computed.

>>> Linspace(-1, 1, (3, 1)).make().tolist()
[[-1.0], [0.0], [1.0]]
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from xcheck._errors import CaseError
from xcheck._forms import FORMS, HELD, whole
from xcheck._stored import checked_bytes
from xcheck._text import one_line

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Descriptor:
    """Base of all descriptors; `make` computes the float64 values, `load` prefers stored bytes.

    Raises:
        CaseError: a field is of the wrong form; the message says what came and what was expected.

    >>> Normal(3, seed=1)
    Traceback (most recent call last):
    ...
    xcheck._errors.CaseError: Normal: shape is 3, expected a tuple of sizes such as (4, 3)
    """

    def __post_init__(self) -> None:
        for part in fields(self):
            holds, expected = FORMS.get(part.name, (lambda value: True, ""))
            value = getattr(self, part.name)
            if not holds(value):
                raise CaseError(
                    f"{type(self).__name__}: {part.name} is {one_line(repr(value), 60)}, expected {expected}"
                )

    def make(self, folder: Path | None = None) -> np.ndarray:
        raise CaseError(f"{type(self).__name__} is no array; use Normal, Uniform, Linspace, LogNormal, Literal ...")

    @property
    def digest(self) -> str:
        return hashlib.sha256(_written(self).encode()).hexdigest()[:20]

    def load(self, folder: Path | None = None) -> np.ndarray:
        """The stored values where `folder` has them, the computed ones otherwise."""
        path = stored_path(self, folder)
        if path is None or not path.exists():
            return self.make(folder)
        try:
            return np.load(io.BytesIO(checked_bytes(path, listed=True)), allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise CaseError(f"{path} is damaged ({error}); delete it, and its values are computed again") from None


def stored_path(descriptor: Descriptor, folder: Path | None) -> Path | None:
    return None if folder is None else folder / f"{descriptor.digest}.npy"


def _written(value: Any) -> str:
    """The repr of a descriptor, but with every byte of the arrays in it: NumPy's own shows eight digits of a few."""
    if isinstance(value, Descriptor):
        told = [f"{one.name}={_written(getattr(value, one.name))}" for one in fields(value) if one.repr]
        return f"{type(value).__qualname__}({', '.join(told)})"
    if isinstance(value, np.ndarray):
        return f"{value.dtype.str}{value.shape}{hashlib.sha256(value.tobytes()).hexdigest()}"
    if isinstance(value, (tuple, list)) and value:
        inside = ", ".join(map(_written, value)) + ("," if len(value) == 1 and isinstance(value, tuple) else "")
        return f"({inside})" if isinstance(value, tuple) else f"[{inside}]"
    return repr(value)


def rounded(values: np.ndarray, dtype: str) -> np.ndarray:
    """float64 values that `dtype` holds exactly; integers stay integers.

    Raises:
        CaseError: an unknown dtype, or values that are no real numbers of at most 64 bits.

    >>> float(rounded(np.array(0.1), "bfloat16"))
    0.10009765625
    """
    values = np.asarray(values)
    if values.dtype.kind not in "fiub" or (values.dtype == np.uint64 and (values >= 2**63).any()):
        raise CaseError(f"values of dtype {values.dtype} are no real numbers of 64 bits")
    if values.dtype.kind in "iub":
        return values.astype(np.int64)
    if dtype == "float64":
        return values.astype(np.float64)
    with np.errstate(over="ignore"):  # inf says that float32 does not hold it
        single = values.astype(np.float32)
    if dtype == "bfloat16":
        bits = single.view(np.uint32)
        # Round to nearest, ties to even, on the upper 16 bits of the float32 pattern.
        bits = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
        single = (bits & np.uint32(0xFFFF0000)).view(np.float32)
    elif dtype not in HELD:
        raise CaseError(f"dtype {dtype!r} is not one of {', '.join(HELD)}")
    return single.astype(np.float64)


@dataclass(frozen=True)
class Normal(Descriptor):
    """`mean + scale * N(0, 1)`."""

    shape: Shape
    seed: int
    mean: float = 0.0
    scale: float = 1.0
    dtype: str = "float32"

    def make(self, folder: Path | None = None) -> np.ndarray:
        draws = np.random.default_rng(self.seed).standard_normal(self.shape)
        return rounded(self.mean + self.scale * draws, self.dtype)


@dataclass(frozen=True)
class LogNormal(Descriptor):
    """`exp(N(mean, sigma^2))`."""

    shape: Shape
    seed: int
    mean: float = 0.0
    sigma: float = 1.0
    dtype: str = "float32"

    def make(self, folder: Path | None = None) -> np.ndarray:
        return rounded(np.random.default_rng(self.seed).lognormal(self.mean, self.sigma, self.shape), self.dtype)


@dataclass(frozen=True)
class Uniform(Descriptor):
    """Uniform in `[low, high)`."""

    shape: Shape
    seed: int
    low: float = 0.0
    high: float = 1.0
    dtype: str = "float32"

    def make(self, folder: Path | None = None) -> np.ndarray:
        return rounded(np.random.default_rng(self.seed).uniform(self.low, self.high, self.shape), self.dtype)


@dataclass(frozen=True)
class Linspace(Descriptor):
    """Evenly spaced from `start` to `stop`, both included, in row-major order."""

    start: float
    stop: float
    shape: Shape
    dtype: str = "float32"

    def make(self, folder: Path | None = None) -> np.ndarray:
        return rounded(np.linspace(self.start, self.stop, int(np.prod(self.shape))).reshape(self.shape), self.dtype)


@dataclass(frozen=True)
class Integers(Descriptor):
    """Uniform integers in `[low, high)`: class labels, tokens."""

    shape: Shape
    seed: int
    low: int
    high: int

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in (("low", self.low), ("high", self.high)):
            if not whole(value):
                raise CaseError(f"Integers: {name} is {value!r}, expected a whole number")
        if self.low >= self.high:
            raise CaseError(f"Integers: low is {self.low} and high is {self.high}, expected low < high")

    def make(self, folder: Path | None = None) -> np.ndarray:
        return np.random.default_rng(self.seed).integers(self.low, self.high, self.shape)


@dataclass(frozen=True)
class Literal(Descriptor):
    """The numbers themselves, as nested tuples."""

    values: Any
    dtype: str = "float32"

    def make(self, folder: Path | None = None) -> np.ndarray:
        return rounded(np.asarray(self.values), self.dtype)


@dataclass(frozen=True)
class Computed(Descriptor):
    """A function of other descriptors; `formula` is its name in the digest, so change both together."""

    formula: str
    function: Callable[..., np.ndarray] = field(repr=False, compare=False)
    sources: Sequence[Descriptor] = ()
    dtype: str = "float32"

    def make(self, folder: Path | None = None) -> np.ndarray:
        return rounded(self.function(*(source.load(folder) for source in self.sources)), self.dtype)


@dataclass(frozen=True)
class Rows(Descriptor):
    """Some rows of another array, along its first axis.

    >>> Rows(Literal((1.0, 2.0, 4.0)), (0, 2)).make().tolist()
    [1.0, 4.0]
    """

    source: Descriptor
    rows: tuple[int, ...]

    def make(self, folder: Path | None = None) -> np.ndarray:
        return self.source.load(folder)[list(self.rows)]


@dataclass(frozen=True)
class Stored(Descriptor):
    """An entry of an npz file beside the case files: trained weights, real data; a committed script made it."""

    file: str
    key: str
    dtype: str = "float32"

    def make(self, folder: Path | None = None) -> np.ndarray:
        path = (folder or Path()) / self.file
        try:
            with np.load(io.BytesIO(checked_bytes(path, listed=False)), allow_pickle=False) as archive:
                return rounded(archive[self.key], self.dtype)
        except (OSError, ValueError, KeyError) as error:
            raise CaseError(
                f"cannot read {self.key!r} of {path}: {error}; the script that makes it is named in the case"
            ) from None
