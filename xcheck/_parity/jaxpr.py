"""A JAX program as a program of ours: its recorded operations, evaluated in any namespace, the exact one above all.

JAX's derivative rules have no part in it: of a function with a `custom_jvp` only the function itself is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from string import ascii_letters
from typing import Any

import numpy as np

from xcheck._errors import UnknownPrimitive, UsageError
from xcheck._lazy import LazyModule, jax
from xcheck._parity.outputs import Shapes, declared
from xcheck._tree import leaves
from xcheck.exact.jets import Jets
from xcheck.exact.tape import Tape
from xcheck.run.classify import exception_line

source_info_util: Any = LazyModule("jax.extend.source_info_util")

Value = Any  # an Array of xp, a Condition, or a NumPy array of integers or booleans
Rule = Callable[..., Value]

#: Primitives that stand for a function of xp with the same operands.
SAME = {
    "add": "add", "add_any": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "neg": "negative",
    "min": "minimum", "abs": "abs", "exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p", "sqrt": "sqrt",
    "tanh": "tanh", "sin": "sin", "cos": "cos", "square": "square",
}  # fmt: skip
#: Primitives that only move entries: where each goes is asked of JAX itself, with the entries' numbers in their place.
MOVES = {
    "broadcast_in_dim", "concatenate", "copy", "copy_p", "dynamic_slice", "expand_dims", "gather", "reshape", "rev",
    "slice", "split", "squeeze", "transpose",
}  # fmt: skip
#: Primitives that are calls, and the parameters where their recorded program is found. What else carries a program
#: (scan, while, cond, reduce ...) runs it several times, or not at all.
CALLS = {
    "checkpoint", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr", "jit",
    "named_call", "pjit", "remat", "remat2", "xla_call",
}  # fmt: skip
BODIES = ("jaxpr", "call_jaxpr", "fun_jaxpr")


def recorded(
    function: Callable[..., Any], arguments: Sequence[np.ndarray]
) -> tuple[Callable[..., dict[str, Value]], Shapes]:
    """`function(*arguments)`, recorded at float64: `program(xp, *arrays)`, path to value, and path to shape.

    The program raises `UnknownPrimitive` when it runs and meets an operation that has no rule here.

    Raises:
        UsageError: the function cannot be recorded, or returns something other than arrays of real numbers.
    """
    try:
        with jax.enable_x64(True):
            closed, returned = jax.make_jaxpr(function, return_shape=True)(*arguments)
    except Exception as error:
        raise UsageError(f"jax_fn cannot be recorded: {exception_line(error)}") from error
    except SystemExit as error:
        raise UsageError(f"jax_fn cannot be recorded: it ends the process ({exception_line(error)})") from None
    shapes = declared(returned)
    structure = jax.tree.structure(returned)

    def program(xp: Any, *arrays: Value) -> dict[str, Value]:
        return leaves(jax.tree.unflatten(structure, _run(xp, closed.jaxpr, closed.consts, arrays)))

    return program, shapes


def _run(xp: Any, jaxpr: Any, consts: Sequence[Any], arguments: Sequence[Value], caller: str = "jax_fn") -> list[Value]:
    """The results of one recorded program; `caller` is the line that called it, for what has no line of its own."""
    known: dict[Any, Value] = dict(zip(jaxpr.constvars, map(_constant, consts), strict=True))
    known |= dict(zip(jaxpr.invars, arguments, strict=True))
    largest: set[Any] = set()  # what a softmax subtracts: its derivative cancels

    def read(atom: Any) -> Value:
        return _constant(atom.val) if hasattr(atom, "val") else known[atom]

    for step in jaxpr.eqns:
        name, line = step.primitive.name, source_info_util.summarize(step.source_info) or caller
        variables = [atom for atom in step.invars if not hasattr(atom, "val")]
        if name == "reduce_max" or (name in MOVES | {"max", "select_n"} and largest & set(variables)):
            largest |= set(step.outvars)
        if name == "stop_gradient" and isinstance(xp.alg, (Jets, Tape)) and not set(variables) <= largest:
            raise UnknownPrimitive(
                f"stop_gradient ({line}): what is differentiated is then not the function that is computed, and "
                "no enclosure of that function can tell; hand its value in as one more argument"
            )
        if all(type(out).__name__ == "DropVar" for out in step.outvars):
            continue
        known |= zip(step.outvars, _apply(xp, step, [read(atom) for atom in step.invars], line), strict=True)
    return [read(atom) for atom in jaxpr.outvars]


def _apply(xp: Any, step: Any, operands: list[Value], line: str) -> list[Value]:
    """The results of one operation, or of a call; `line` is the user's line that it came from."""
    name, params = step.primitive.name, step.params
    inner = next((params[key] for key in BODIES if key in params), None) if name in CALLS else None
    if inner is not None:
        return _run(xp, getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()), operands, line)
    kinds = {out.aval.dtype.kind for out in step.outvars}
    kinds_in = {operand.dtype.kind if isinstance(operand, np.ndarray) else "f" for operand in operands}
    if kinds | kinds_in <= set("iub"):
        return _by_jax(step, operands)
    if "c" in kinds | kinds_in:
        raise UnknownPrimitive(f"the JAX primitive {name} ({line}) computes complex numbers, which have no rules")
    if kinds <= set("iu") and name not in MOVES:
        raise UnknownPrimitive(f"the JAX primitive {name} ({line}) makes integers of real numbers; it has no rule")
    if name in MOVES:
        return _moved(xp, step, operands)
    if name in SAME:
        return [getattr(xp, SAME[name])(*operands)]
    if name not in RULES:
        raise UnknownPrimitive(f"the JAX primitive {name} ({line}) has no rule; add one to xcheck/_parity/jaxpr.py")
    return [RULES[name](xp, params, *operands)]


def _constant(values: Any) -> Value:
    array = np.asarray(values)
    return array.astype(np.float64) if array.dtype.kind in "fV" else array


def _by_jax(step: Any, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Integers and booleans are exact in JAX too."""
    with jax.enable_x64(True):
        found = step.primitive.bind(*map(jax.numpy.asarray, operands), **step.params)
    return [np.asarray(one) for one in (found if step.primitive.multiple_results else [found])]


def _moved(xp: Any, step: Any, operands: Sequence[Value]) -> list[Value]:
    """Entries k, k+1, ... of all operands laid end to end; integer operands beside the first say where to."""
    name = step.primitive.name
    count = len(operands) if name == "concatenate" else 1
    moved, rest = [xp.asarray(operand) for operand in operands[:count]], operands[count:]
    starts = np.cumsum([0, *(prod(array.shape) for array in moved)])
    numbers = [
        np.arange(start, start + prod(array.shape)).reshape(array.shape)
        for start, array in zip(starts, moved, strict=False)
    ]
    flat = xp.concat([xp.reshape(array, (-1,)) for array in moved])
    return [
        xp.reshape(xp.take(flat, where.reshape(-1), axis=0), where.shape) for where in _by_jax(step, [*numbers, *rest])
    ]


def _maximum(xp: Any, params: Any, a: Value, b: Value) -> Value:
    for bound, other in ((a, b), (b, a)):
        if isinstance(bound, np.ndarray) and np.all(np.isneginf(bound)):
            return other
    return xp.maximum(a, b)


def _greater(xp: Any, params: Any, a: Value, b: Value) -> Value:
    """Booleans, so that JAX's logic and moves apply to them; a condition where a tie leaves it to a convention."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a > b
    condition = xp.greater(a, b)
    return condition if np.any(condition.weight % 1) else np.asarray(condition.weight == 1)


def _dot_general(xp: Any, params: Mapping[str, Any], a: Value, b: Value) -> Value:
    (inner_a, inner_b), (batch_a, batch_b) = params["dimension_numbers"]
    a, b = xp.asarray(a), xp.asarray(b)
    left = list(ascii_letters[: len(a.shape)])
    right = list(ascii_letters[len(a.shape) : len(a.shape) + len(b.shape)])
    for i, j in zip((*inner_a, *batch_a), (*inner_b, *batch_b), strict=True):
        right[j] = left[i]
    out = [left[i] for i in batch_a]
    out += [letter for i, letter in enumerate(left) if i not in (*inner_a, *batch_a)]
    out += [letter for j, letter in enumerate(right) if j not in (*inner_b, *batch_b)]
    return xp.nn.einsum(f"{''.join(left)},{''.join(right)}->{''.join(out)}", a, b)


def _sum(xp: Any, params: Mapping[str, Any], a: Value) -> Value:
    return xp.sum(a, axis=params["axes"]) if params["axes"] else a


def _max(xp: Any, params: Mapping[str, Any], a: Value) -> Value:
    for axis in sorted(params["axes"], reverse=True):
        a = xp.max(a, axis=axis)
    return a


RULES: dict[str, Rule] = {
    "convert_element_type": lambda xp, params, a: a.astype(np.float64) if isinstance(a, np.ndarray) else a,
    "dot_general": _dot_general,
    "erf": lambda xp, params, a: xp.nn.erf(a),
    "ge": lambda xp, params, a, b: ~_greater(xp, params, b, a),
    "gt": _greater,
    "integer_pow": lambda xp, params, a: xp.pow(a, params["y"]),
    "is_finite": lambda xp, params, a: np.ones(xp.asarray(a).shape, bool),
    "le": lambda xp, params, a, b: ~_greater(xp, params, a, b),
    "logistic": lambda xp, params, a: xp.nn.sigmoid(a),
    "lt": lambda xp, params, a, b: _greater(xp, params, b, a),
    "max": _maximum,
    "pow": lambda xp, params, a, b: xp.pow(a, _number(b)),
    "reduce_max": _max,
    "reduce_sum": _sum,
    "rsqrt": lambda xp, params, a: xp.nn.rsqrt(a),
    "select_n": lambda xp, params, which, no, yes: xp.where(which, yes, no),
    "sign": lambda xp, params, a: np.asarray(xp.alg.sign(xp.asarray(a).value), dtype=np.float64),
    "stop_gradient": lambda xp, params, a: a,
}


def _number(exponent: Value) -> float:
    if not isinstance(exponent, np.ndarray) or exponent.size != 1:
        raise UnknownPrimitive("pow with an exponent that is no constant has no rule; write exp(b * log(a))")
    return float(exponent)
