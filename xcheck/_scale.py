"""The scale of a convention: an expression such as "2 / (n * c)", evaluated in float64 and nothing else."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from xcheck._arguments import refuse
from xcheck._errors import UsageError
from xcheck._text import one_line, shown

#: What a scale may be written in; a case has some of them.
NAMES = ("n", "c", "p", "r", "nll", "noise_var")
#: No scale of a library is longer.
LONGEST = 200

_OPERATIONS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}


def check_scale(scale: object) -> str:
    """The scale itself, if it is written in numbers, NAMES, + - * / ** and parentheses.

    Raises:
        UsageError: it is not.
    """
    _parsed(scale, NAMES)
    return str(scale)


def evaluate(scale: str, names: Mapping[str, float]) -> float:
    """A scale such as "2 / (n * c)" where its names have these values.

    Raises:
        UsageError: it holds anything else, or is 0 or not finite.

    >>> evaluate("2 / (n * c)", {"n": 4, "c": 1})
    0.5
    >>> evaluate("9 ** 9 ** 9", {})
    Traceback (most recent call last):
    ...
    xcheck._errors.UsageError: convention scale '9 ** 9 ** 9' cannot be evaluated: (34, 'Numerical result out of range')
    """
    try:
        value = _value(_parsed(scale, names), names)
    except ArithmeticError as error:
        raise UsageError(f"convention scale {scale!r} cannot be evaluated: {error}") from None
    if isinstance(value, complex) or not math.isfinite(value) or value == 0:
        raise UsageError(f"convention scale {scale!r} is {value}; it must be a finite number other than 0")
    return value


def _parsed(scale: object, names: Collection[str]) -> ast.expr:
    """Its tree, if it holds nothing but what a scale may hold."""
    if not isinstance(scale, str) or len(scale) > LONGEST:
        raise refuse("convention scale", scale, f"text such as '2 / n' of up to {LONGEST} characters")
    try:
        tree = ast.parse(scale.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise UsageError(f"convention scale {shown(scale)} cannot be evaluated: {one_line(error)}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and not _allowed(node, names):
            raise UsageError(
                f"convention scale {scale!r}: {one_line(ast.unparse(node), 80)!r} is not one of {', '.join(names)}, "
                "numbers, + - * / **"
            )
    return tree


def _allowed(node: ast.expr, names: Collection[str]) -> bool:
    match node:
        case ast.Constant(value=value):
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case ast.Name(id=name):
            return name in names
        case ast.BinOp(op=op) | ast.UnaryOp(op=op):
            return type(op) in _OPERATIONS
    return False


def _value(node: ast.expr, names: Mapping[str, float]) -> Any:
    """Numbers are floats, so that a power of powers overflows at once."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.BinOp(left, op, right):
            return _OPERATIONS[type(op)](_value(left, names), _value(right, names))
        case ast.UnaryOp(op, operand):
            return _OPERATIONS[type(op)](_value(operand, names))
    assert isinstance(node, ast.Name)
    return float(names[node.id])
