"""Quantity: what is computed, defined once; implements: who computes it, registered by a decorator."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from xcheck._arguments import function, of_kind, one_of, refuse, whole, words
from xcheck._errors import UnknownName
from xcheck._gaps import gaps_beside
from xcheck._lazy import installed
from xcheck._registry import Registry, check_name, unknown
from xcheck.result import Convention, Limitation

F = TypeVar("F", bound=Callable[..., Any])

FRAMEWORKS = ("torch", "jax")
VARIANTS = {"torch": ("eager", "compile", "cudagraph"), "jax": ("eager", "jit")}
#: Each tier includes the ones before it.
TIERS = ("smoke", "standard", "full")
#: What an implementation may need of a problem; any other word is a package.
NEEDS = ("loss", "module", "single_output", "single_argument", "dense", "directions", "examples", "aux")


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
        check_name("quantity", self.name)
        for name in ("formula", "shape"):
            of_kind(f"the {name} of quantity {self.name!r}", getattr(self, name), str, "text")
        if not all(len(letter) == 1 and letter.isalpha() for letter in self.shape.split()):
            raise refuse(f"the shape of quantity {self.name!r}", self.shape, "letters with blanks, such as 'n c p'")
        one_of("wrt", self.wrt, ("params", "inputs", "none"))
        whole(f"the order of quantity {self.name!r}", self.order, least=0, most=100)
        for name in ("reference", "guard", "flops", "bytes"):
            function(f"the {name} of quantity {self.name!r}", getattr(self, name))
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


def check_need(need: str) -> None:
    """A need is one of NEEDS, or the name of a package, which may be absent; what resembles one of NEEDS is no package.

    Raises:
        UnknownName: it is absent and resembles one of NEEDS, or no package can have that name.

    >>> check_need("modul")
    Traceback (most recent call last):
    ...
    xcheck._errors.UnknownName: unknown need 'modul'; did you mean 'module'?
    """
    package = all(part.isidentifier() for part in need.split("."))
    near = difflib.get_close_matches(need, NEEDS, n=1, cutoff=0.75)
    if need not in NEEDS and (not package or (near and not installed(need))):
        raise UnknownName(unknown("need", need, dict.fromkeys(NEEDS)))


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
        UsageError: an unknown framework, variant, need or tier, an argument of another kind, a name that is taken, or a
            file of gaps of another form. An unknown quantity is refused when the module is imported as an adapter.
    """
    check_name("implementation", name)
    check_name("quantity", quantity)
    frameworks = (framework,) if isinstance(framework, str) else words("framework", framework)
    for one in frameworks:
        one_of("framework", one, FRAMEWORKS)
        for variant in words("variants", variants):
            one_of(f"variant of {one}", variant, VARIANTS[one])
    for need in words("needs", needs):
        check_need(need)
    if prepare is not None:
        function("prepare", prepare)
    of_kind("convention", convention, (Convention, type(None)), "an xcheck.Convention")
    for limitation in of_kind("limitations", limitations, (tuple, list), "a tuple of xcheck.Limitation"):
        of_kind("a limitation", limitation, Limitation, "an xcheck.Limitation")
    of_kind("cases", cases, str, "globs of names, such as 'tanh_*'")
    one_of("tier", tier, TIERS)
    if samples is not None:
        whole("samples", samples, least=1, most=10**9)

    def register(computes: F) -> F:
        function("the implementation", computes)
        beside = gaps_beside(computes.__module__)
        for one in frameworks:
            for variant in variants:
                full = f"{one}_{name}" + ("" if variant == "eager" else f"_{variant}")
                gaps = (gap.limitation for gap in beside if gap.declares(quantity, full))
                implementation = Implementation(
                    name=full, quantity=quantity, framework=one, function=computes, prepare=prepare, needs=tuple(needs),
                    variant=variant, convention=convention or Convention(), limitations=(*limitations, *gaps),
                    samples=samples, normwise=normwise, cases=cases, tier=tier,
                )  # fmt: skip
                implementations(quantity).add(full, implementation)
        return computes

    return register
