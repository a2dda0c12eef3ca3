"""Quantity: what is computed, defined once; implements: who computes it, registered by a decorator."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from xcheck._errors import UsageError
from xcheck._gaps import gaps_beside
from xcheck._registry import Registry, check_name
from xcheck.result import Convention, Limitation

F = TypeVar("F", bound=Callable[..., Any])

FRAMEWORKS = ("torch", "jax")
VARIANTS = {"torch": ("eager", "compile", "cudagraph"), "jax": ("eager", "jit")}


@dataclass(frozen=True)
class Sizes:
    """What the cost of a quantity depends on: batch, outputs, inputs, parameters, bytes of a number."""

    n: int
    c: int
    d: int
    p: int
    itemsize: int = 8

    @property
    def forward(self) -> float:
        """FLOPs of one evaluation of the program: two for each parameter and example."""
        return 2.0 * self.n * self.p


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A mathematical object with its canonical shape and order.

    Args:
        name: as in ids.
        formula: one line, for `xcheck explain` and the docs.
        shape: letters of its axes, such as "n c p"; "" for a scalar.
        wrt: "params", "inputs" or "none".
        order: of differentiation.
        reference: the rule that computes it in exact arithmetic, from an `exact.Derivatives`.
        guard: pairs of what the reference claims and what a rule-free enclosure proves, from an `exact.Probe`.
        flops, bytes: the least that any implementation needs, from `Sizes`.
        symmetric, psd: what the judge checks besides.
        needs_loss: whether the case must have a loss.
    """

    name: str
    formula: str
    shape: str
    wrt: str
    order: int
    reference: Callable[[Any], Mapping[str, Any]]
    guard: Callable[[Any, Mapping[str, Any]], Iterable[Any]]
    flops: Callable[[Sizes], float]
    bytes: Callable[[Sizes], float]
    symmetric: bool = False
    psd: bool = False
    needs_loss: bool = False

    def __post_init__(self) -> None:
        QUANTITIES.add(self.name, self)


@dataclass(frozen=True, kw_only=True)
class Implementation:
    """A function that computes one quantity with one framework, in one variant."""

    name: str
    quantity: str
    framework: str
    function: Callable[..., Any]
    prepare: Callable[..., Any] | None
    needs: tuple[str, ...]
    variant: str
    convention: Convention
    limitations: tuple[Limitation, ...]
    samples: int | None
    normwise: bool = False
    cases: str
    tier: str

    @property
    def module(self) -> str:
        """The module that declares it; `--adapter` selects by it."""
        return self.function.__module__


QUANTITIES: Registry[Quantity] = Registry("quantity")
_IMPLEMENTATIONS: dict[str, Registry[Implementation]] = {}


def implementations(quantity: str) -> Registry[Implementation]:
    """Who computes a quantity, by name."""
    return _IMPLEMENTATIONS.setdefault(quantity, Registry("implementation"))


def registered() -> list[Implementation]:
    """All implementations of all quantities that are registered by now."""
    return [one for registry in _IMPLEMENTATIONS.values() for one in registry.values()]


def withdraw(gone: Callable[[str], bool]) -> None:
    """Forgets what modules have registered of whose names `gone` is true."""
    QUANTITIES.withdraw(lambda one: gone(one.reference.__module__))
    for registry in _IMPLEMENTATIONS.values():
        registry.withdraw(lambda one: gone(one.module))


def withdraw_unloaded() -> None:
    """Forgets what modules registered before they failed: Python has dropped those, and no worker can import them."""
    withdraw(lambda module: module not in sys.modules)


def implements(
    quantity: str,
    name: str,
    framework: str | tuple[str, ...],
    *,
    prepare: Callable[..., Any] | None = None,
    needs: tuple[str, ...] = (),
    variants: tuple[str, ...] = ("eager",),
    convention: Convention | None = None,
    limitations: tuple[Limitation, ...] = (),
    samples: int | None = None,
    normwise: bool = False,
    cases: str = "*",
    tier: str = "smoke",
) -> Callable[[F], F]:
    """Registers `function(problem)`, or `function(problem, prepared)` where `prepare(problem)` is given.

    The full name is `framework_name`, with `_jit` or `_compile` behind it for that variant. `needs` lists what the
    problem must have ("loss", "module", "single_output", "single_argument", "aux") and packages that must be
    importable; unmet, the outcome is `unsupported`. `cases` is a glob: a closed form belongs to some cases only.
    `normwise` is for algorithms that are only normwise stable (Winograd, FFT): ratio_F alone decides.
    `tier` is the least tier that runs it: "full" for what costs minutes and proves little more. Known gaps are
    `limitations`, and lines of the file `adapter.gaps` beside the module `adapter.py` that registers it.

    Raises:
        UsageError: an unknown framework or variant, a name that is taken, or a file of gaps of another form.
    """
    check_name("implementation", name)

    def register(function: F) -> F:
        beside = gaps_beside(function.__module__)
        for one in (framework,) if isinstance(framework, str) else framework:
            if one not in FRAMEWORKS:
                raise UsageError(f"implementation {name!r}: framework {one!r} is not one of {', '.join(FRAMEWORKS)}")
            for variant in variants:
                if variant not in VARIANTS[one]:
                    raise UsageError(
                        f"implementation {name!r}: {one} has no variant {variant!r}; it has {', '.join(VARIANTS[one])}"
                    )
                full = f"{one}_{name}" + ("" if variant == "eager" else f"_{variant}")
                gaps = (gap.limitation for gap in beside if gap.declares(quantity, full))
                implementation = Implementation(
                    name=full, quantity=quantity, framework=one, function=function, prepare=prepare, needs=needs,
                    variant=variant, convention=convention or Convention(), limitations=(*limitations, *gaps),
                    samples=samples, normwise=normwise, cases=cases, tier=tier,
                )  # fmt: skip
                implementations(quantity).add(full, implementation)
        return function

    return register
