"""Result: what is kept of one cell, its outcome, and the JSON that holds it."""

from __future__ import annotations

import math
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import permutations
from typing import Any

import msgspec

from xcheck._arguments import of_kind, one_of
from xcheck._scale import check_scale

SCHEMA = "xcheck.results/1"
#: Orders of parameters that a convention may name.
ORDERS = ("torch", "sorted", "bias_first")


class Outcome(StrEnum):
    """One word for one cell."""

    AGREES = "agrees"
    KNOWN_LIMITATION = "known_limitation"
    UNSUPPORTED = "unsupported"
    NO_REFERENCE = "no_reference"
    DISAGREES = "disagrees"
    WRONG_SHAPE = "wrong_shape"
    WRONG_DTYPE = "wrong_dtype"
    NOT_FINITE = "not_finite"
    MUTATED_INPUT = "mutated_input"
    MUTATED_STATE = "mutated_state"
    NONDETERMINISTIC = "nondeterministic"
    RAISED = "raised"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out_of_memory"
    STALE_LIMITATION = "stale_limitation"

    @property
    def failed(self) -> bool:
        """Whether it makes the exit code 1."""
        return self not in _HARMLESS


_HARMLESS = {Outcome.AGREES, Outcome.KNOWN_LIMITATION, Outcome.UNSUPPORTED, Outcome.NO_REFERENCE}


def matches(name: str, globs: str) -> bool:
    """Whether a name is meant by globs with commas between them; one that begins with ! leaves names out.

    >>> [name for name in ("relu", "relu_at_kinks", "tanh_mlp") if matches(name, "relu*,tanh_*,!*_at_kinks")]
    ['relu', 'tanh_mlp']
    """
    each = [glob.strip() for glob in globs.split(",")]
    left_out = any(fnmatchcase(name, glob[1:]) for glob in each if glob.startswith("!"))
    return not left_out and any(fnmatchcase(name, glob) for glob in each)


class Limitation(msgspec.Struct, frozen=True):
    """A known gap of an implementation, strict: one that no longer holds, or fails otherwise, is `stale_limitation`.

    >>> gap = Limitation("no rule for conv", "https://example.org/1", outcome="raised", case="conv_*")
    >>> gap.covers("conv_net", "hvp", "float32", "cpu"), gap.covers("tanh_mlp", "hvp", "float32", "cpu")
    (True, False)
    """

    reason: str
    link: str
    outcome: str = msgspec.field(default=Outcome.DISAGREES.value)
    case: str = "*"
    quantity: str = "*"
    dtype: str = "*"
    device: str = "*"

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            of_kind(f"the limitation's {name}", getattr(self, name), str, "text")
        one_of("outcome", self.outcome, [str(one) for one in Outcome])

    def covers(self, case: str, quantity: str, dtype: str, device: str) -> bool:
        pairs = ((case, self.case), (quantity, self.quantity), (dtype, self.dtype), (device, self.device))
        return all(matches(name, globs) for name, globs in pairs)


class Convention(msgspec.Struct, frozen=True):
    """How a library's numbers relate to ours: `ours = theirs / scale`, after parameters and axes are put in order.

    `scale` is an expression in n, c, p, noise_var, r and nll, where the loss is r * nll * (the negative log-likelihood
    with variance 1, summed over the examples); `params` the order of parameters ("torch", "sorted",
    "bias_first"); `weight` the layout of a weight's entries ("row", "column"); `axes` the order of a Jacobian's axes.

    Raises:
        UsageError: the scale holds anything else, or a word is none of these.

    >>> Convention(params="sortd")
    Traceback (most recent call last):
    ...
    xcheck._errors.UnknownName: unknown convention params 'sortd'; did you mean 'sorted'?
    """

    scale: str = "1"
    params: str = "torch"
    weight: str = "row"
    axes: str = "ncp"

    def __post_init__(self) -> None:
        check_scale(self.scale)
        one_of("convention params", self.params, ORDERS)
        one_of("convention weight", self.weight, ("row", "column"))
        one_of("convention axes", self.axes, ["".join(order) for order in permutations("ncp")])


class Worst(msgspec.Struct, frozen=True):
    """The entry that is farthest off."""

    path: str
    index: list[int]
    expected: float
    actual: float | str  # "nan" and "inf" are words, since JSON has no numbers for them


class Explanation(msgspec.Struct, frozen=True):
    """One sentence of the diagnosis."""

    name: str
    value: float | str | None = None
    text: str = ""


class Result(msgspec.Struct, kw_only=True):
    """One cell: who computed what, and what the judge says of it."""

    id: str
    case: str
    quantity: str
    implementation: str
    framework: str
    dtype: str
    device: str
    outcome: Outcome
    ratio: float | str | None = None
    ratio_F: float | str | None = None
    worst: Worst | None = None
    diagnosis: list[Explanation] = []
    checks: dict[str, str] = {}
    convention: Convention | None = None
    nonzero: float | None = None
    decided: float | None = None
    resolution: list[float | str] | None = None  # the least relative error that is seen: largest entry, norm
    seconds: dict[str, float] = {}
    reason: str | None = None
    fault: str | None = None  # "xcheck" failed itself, or the "input" is damaged: the exit code is 3 or 2
    limitation: Limitation | None = None  # the one that it runs into, where the outcome is known_limitation
    text: str | None = None
    reproduce: str = ""


class Document(msgspec.Struct, kw_only=True):
    """The file `reports/verify.json`."""

    schema: str = SCHEMA
    machine: dict[str, Any] = {}
    versions: dict[str, str] = {}
    settings: dict[str, Any] = {}
    results: list[Result] = []


def number(value: float) -> float | str:
    """A number as JSON can hold it: infinities and NaN are words.

    >>> number(2.0), number(float("inf"))
    (2.0, 'inf')
    """
    return value if math.isfinite(value) else str(value)


def size(value: float | str | None) -> float:
    """The number that `number` wrote; a missing one is 0."""
    return 0.0 if value is None else float(value)


def result_id(case: str, quantity: str, implementation: str, dtype: str, device: str) -> str:
    return f"{case}/{quantity}/{implementation}/{dtype}/{device}"
