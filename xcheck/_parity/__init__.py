"""parity: any PyTorch program beside the JAX program that it was ported from or to, judged in value and derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from xcheck._errors import UsageError
from xcheck._parity.arguments import numbers, positions
from xcheck._parity.jaxpr import recorded
from xcheck._parity.outputs import rows
from xcheck._registry import unknown
from xcheck._tree import tree
from xcheck.arrays import Literal
from xcheck.case import Case
from xcheck.exact.namespace import IntegerArray
from xcheck.quantities import load_quantities
from xcheck.quantities.value import program
from xcheck.quantity import implementations
from xcheck.result import Document, Outcome
from xcheck.run.machine import machine, versions
from xcheck.run.plan import Cell
from xcheck.run.results import Results
from xcheck.run.settings import Settings
from xcheck.run.work import judged

#: The words of a porter, as quantities of a program with one example.
QUANTITIES = {"value": "value", "jacobian": "jacobian_inputs", "hessian": "hessian_inputs"}


def parity(
    torch_fn: Callable[..., Any],
    jax_fn: Callable[..., Any],
    args: Sequence[Any],
    *,
    wrt: int | Sequence[int] = 0,
    quantities: Sequence[str] = ("value", "jacobian", "hessian"),
    dtypes: Sequence[str] = ("float64", "float32"),
) -> Results:
    """Whether two programs compute the same function, to rounding, with the same first and second derivatives.

    The operations of the JAX program are recorded (its derivative rules are not), evaluated in exact arithmetic and
    differentiated by xcheck's own rules; both frameworks are judged by that. So a wrong PyTorch program disagrees, and
    so does a JAX program whose derivative rule is wrong.

    Args:
        torch_fn, jax_fn: functions of the same arrays to one array, or to a dict or tuple of arrays; both must return
            the same names and shapes.
        args: arrays or numbers of any shape; floats are rounded to float32 first where float32 is among the dtypes, so
            that both dtypes have one reference.
        wrt: the positions of the arguments that derivatives are for.
        quantities: "value", "jacobian" (outputs, then inputs, both flat), "hessian".

    Raises:
        MissingFramework: jax is not installed; without torch its half is left out.
        UsageError: an unknown quantity or dtype, an argument that is no array of real numbers, a position without an
            argument, or a JAX program that cannot be recorded.

    >>> import jax.numpy
    >>> found = parity(lambda x: x.tanh().sum(), lambda x: jax.numpy.tanh(x).sum(), [[1.0, 2.0, 0.5]])
    >>> found.ok, sorted({result.quantity for result in found})
    (True, ['hessian_inputs', 'jacobian_inputs', 'value'])
    """
    asked = (quantities,) if isinstance(quantities, str) else tuple(quantities)
    dtypes = (dtypes,) if isinstance(dtypes, str) else tuple(dtypes)
    chosen = [_quantity(name) for name in asked]
    if not chosen:
        raise UsageError(f"at least one quantity is needed; known: {', '.join(QUANTITIES)}")
    for name, function in {"torch_fn": torch_fn, "jax_fn": jax_fn}.items():
        if not callable(function):
            raise UsageError(f"{name} is a {type(function).__name__}; expected a function of the arguments")
    settings = Settings(cases="parity", quantities=",".join(chosen), dtypes=dtypes)
    case = _case(torch_fn, jax_fn, args, wrt, settings.dtypes)
    load_quantities()
    cells = [
        Cell(case.name, quantity, one.name, dtype, "cpu")
        for quantity in chosen
        for one in implementations(quantity).values()
        if one.cases == "*" and one.module.startswith("xcheck.") and one.variant in ("eager", "jit")
        # What runs the case's own program has no part here: the framework's is the one that is asked about.
        if one.function is not program
        for dtype in settings.dtypes
    ]
    call = "xcheck.parity(torch_fn, jax_fn, args)"
    found = [judged(case, cell, settings, quick=True, reproduce=call) for cell in cells]
    for one in found:
        one.reproduce = call
    return Results(
        Document(
            machine=machine(), versions=versions(), settings=msgspec.to_builtins(settings),
            results=[one for one in found if one.outcome is not Outcome.UNSUPPORTED],
        )
    )  # fmt: skip


def _quantity(name: str) -> str:
    if name not in QUANTITIES:
        raise UsageError(unknown("quantity", name, QUANTITIES))
    return QUANTITIES[name]


def _case(
    torch_fn: Callable[..., Any],
    jax_fn: Callable[..., Any],
    args: Sequence[Any],
    wrt: int | Sequence[int],
    dtypes: Sequence[str],
) -> Case:
    """The two programs as one case of one example: arguments get an axis in front, results become (1, c)."""
    arrays = numbers(args)
    held = "float64" if tuple(dtypes) == ("float64",) else "float32"
    inputs = {f"arg{k}": Literal(array[None].tolist(), held) for k, array in enumerate(arrays)}
    ported, shapes = recorded(jax_fn, [descriptor.make()[0] for descriptor in inputs.values()])

    def exact(xp: Any, params: Any, given: Mapping[str, Any]) -> Any:
        squeezed = [a.value[0] if isinstance(a, IntegerArray) else xp.reshape(a, a.shape[1:]) for a in given.values()]
        return tree({path: xp.reshape(array, (1, -1)) for path, array in ported(xp, *squeezed).items()})

    def native(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def program(params: Any, *given: Any) -> Any:
            return rows(function(*(a[0] for a in given)), shapes, name, lambda array, shape: array.reshape(shape))

        return program

    return Case(
        name="parity", program=exact, params={}, inputs=inputs, wrt=tuple(f"arg{k}" for k in positions(wrt, arrays)),
        quantities=tuple(QUANTITIES.values()),
        native={"torch": native("torch_fn", torch_fn), "jax": native("jax_fn", jax_fn)},
    )  # fmt: skip
