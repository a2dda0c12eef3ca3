"""plan: which cells a run has; a cell is one case, quantity, implementation, dtype and device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from xcheck._errors import UsageError
from xcheck._registry import Registry, check_name
from xcheck.case import Case
from xcheck.quantities import load_quantities
from xcheck.quantity import FRAMEWORKS, Implementation, implementations
from xcheck.result import matches, result_id
from xcheck.run.settings import TIERS, Settings


@dataclass(frozen=True, order=True)
class Cell:
    """Who computes what of which case, in which arithmetic, where.

    >>> Cell("tanh_mlp", "ggn", "torch_jacrev", "float32", "cpu").id
    'tanh_mlp/ggn/torch_jacrev/float32/cpu'
    """

    case: str
    quantity: str
    implementation: str
    dtype: str
    device: str

    @property
    def id(self) -> str:
        return result_id(self.case, self.quantity, self.implementation, self.dtype, self.device)

    @property
    def declared(self) -> Implementation:
        return implementations(self.quantity)[self.implementation]


def parse_id(text: str) -> Cell:
    """The cell that an id names.

    Raises:
        UsageError: it has not five parts, or one of them cannot be a name.
    """
    parts = text.split("/")
    if len(parts) != 5:
        raise UsageError(f"{text!r} is no id of a cell; expected case/quantity/implementation/dtype/device")
    for kind, name in zip(("case", "quantity", "implementation"), parts, strict=False):
        check_name(kind, name)
    return Cell(*parts)


def plan(
    settings: Settings, cases: Mapping[str, Case], devices: Mapping[str, Iterable[str]] | None = None
) -> list[Cell]:
    """The cells that `settings` select, in the order of their declaration.

    A tier includes the smaller ones (`tier_of`); a case is asked only for the quantities that it lists, and in float32
    only where float32 holds its numbers. `devices` says which devices each framework has ("cpu" where it is not given).
    On CUDA, float32 brings its cells with TF32 on, as dtype tf32.

    Raises:
        UnknownName: a glob matches no name; the nearest is suggested.
        UsageError: no cell is left.
    """
    chosen = _registry("case", cases).matching(settings.cases)
    quantities = {quantity.name for quantity in load_quantities().matching(settings.quantities)}
    wanted = _registry("implementation", {name: name for name in _names()}).matching(settings.implementations)
    available = devices or dict.fromkeys(FRAMEWORKS, ("cpu",))
    largest = TIERS.index(settings.tier)
    cells = [
        Cell(case.name, quantity, implementation.name, dtype, device)
        for case in chosen
        for quantity in case.quantities
        if quantity in quantities
        for implementation in implementations(quantity).values()
        if implementation.name in wanted and of_module(implementation, settings.adapter)
        if tier_of(case, implementation) <= largest and for_case(implementation, case.name)
        for device in settings.devices
        if device in available[implementation.framework]
        for dtype in _dtypes(settings.dtypes, case, device)
    ]
    if not cells:
        raise UsageError(_nothing(settings, chosen, quantities, wanted))
    return cells


def references(cases: Mapping[str, Case], case: str, quantity: str) -> list[tuple[str, str]]:
    """The pairs (case, quantity) that the globs select; a case has references of what it lists.

    Raises:
        UsageError: there is none.
    """
    quantities = {one.name for one in load_quantities().matching(quantity)}
    chosen = _registry("case", cases).matching(case)
    pairs = [(one.name, listed) for one in chosen for listed in one.quantities if listed in quantities]
    if not pairs:
        raise UsageError(f"no case matching {case!r} lists {quantity}; see: xcheck list cases")
    return pairs


def tier_of(case: Case, implementation: Implementation) -> int:
    """The rank of the least tier that runs a cell: the sum of the ranks of its case and its implementation.

    So the smoke tier runs the main ways on the simplest cases, the standard tier many ways on the simplest cases and
    the main ways on all usual ones, and the full tier everything.
    """
    return min(TIERS.index(case.tier) + TIERS.index(implementation.tier), len(TIERS) - 1)


def _names() -> list[str]:
    """The names of all implementations."""
    return sorted({name for quantity in load_quantities() for name in implementations(quantity)})


def _registry(kind: str, items: Mapping[str, object]) -> Registry:
    registry: Registry = Registry(kind)
    for name, item in items.items():
        registry.add(name, item)
    return registry


def of_module(implementation: Implementation, adapter: str | None) -> bool:
    """Whether the adapter's module, or one inside its package, declares it."""
    return adapter is None or implementation.module == adapter or implementation.module.startswith(f"{adapter}.")


def for_case(implementation: Implementation, case: str) -> bool:
    """Whether it is declared for this case; most are for all."""
    return matches(case, implementation.cases)


def _dtypes(dtypes: Iterable[str], case: Case, device: str) -> Iterator[str]:
    for dtype in dict.fromkeys(dtypes):
        if dtype == "float32" and case.holds_in_float32:
            yield "float32"
            if device == "cuda" and "tf32" not in dtypes:
                yield "tf32"
        elif dtype == "tf32" and device == "cuda" and case.holds_in_float32:
            yield "tf32"
        elif dtype in ("float64", "bfloat16"):
            yield dtype


def _nothing(settings: Settings, chosen: list[Case], quantities: set[str], wanted: list[str]) -> str:
    """Why no cell is left, and what to do."""
    largest = TIERS.index(settings.tier)
    if not any(TIERS.index(case.tier) <= largest for case in chosen):
        return f"zero cells: {chosen[0].name} is of tier {chosen[0].tier}; add --tier {chosen[0].tier}"
    if not any(set(case.quantities) & quantities for case in chosen):
        listed = ", ".join(dict.fromkeys(q for case in chosen for q in case.quantities)) or "no quantity"
        return f"zero cells: no such case lists {settings.quantities}; listed: {listed}"
    if settings.dtypes == ("tf32",) and "cuda" not in settings.devices:
        return "zero cells: tf32 exists on CUDA devices only; add --device cuda"
    if any(
        tier_of(case, one) > largest and of_module(one, settings.adapter) and for_case(one, case.name)
        for case in chosen
        for quantity in quantities & set(case.quantities)
        for one in implementations(quantity).values()
        if one.name in wanted
    ):
        return (
            f"zero cells: {wanted[0]} runs on {chosen[0].name} in a larger tier than {settings.tier}; add --tier full"
        )
    where = f" in module {settings.adapter}" if settings.adapter else ""
    return (
        f"zero cells: no implementation matching {settings.implementations!r}{where} applies to these cases, "
        f"quantities, dtypes ({', '.join(settings.dtypes)}) and devices; see: xcheck list implementations"
    )
