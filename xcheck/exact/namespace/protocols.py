"""Protocols: what Python and NumPy may ask of a program's value. What is given no meaning is refused by name.

A protocol that fell back on Python's default would decide a branch by the identity of an object, or leave the exact
arithmetic for float64, and a wrong program would be certified.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from xcheck._errors import UnknownPrimitive
from xcheck.exact.algebra import Shape

ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow", "matmul")
BITWISE = ("and", "or", "xor", "lshift", "rshift")


def _names(operators: tuple[str, ...], *prefixes: str) -> tuple[str, ...]:
    return tuple(f"__{prefix}{name}__" for name in operators for prefix in prefixes)


#: What to write instead of a protocol that has no meaning, for all kinds of values unless one gives it a meaning.
REFUSED: dict[tuple[str, ...], str] = {
    _names((*ARITHMETIC, *BITWISE), "i"): "in place it writes in PyTorch and binds in JAX; write x = x + y",
    _names((*ARITHMETIC, *BITWISE), "", "r"): "it is not defined for this kind of value",
    ("__neg__", "__pos__", "__abs__", "__invert__"): "it is not defined for this kind of value",
    ("__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__"): "it is not defined for this kind of value",
    ("__setitem__", "__delitem__"): "programs are pure; choose with xp.where or join with xp.concat",
    ("__float__", "__int__", "__complex__", "__index__"): "a number of Python has no derivative; stay in arrays of xp",
    ("__round__", "__trunc__", "__floor__", "__ceil__"): "its derivative is zero almost everywhere; leave it out",
    ("__contains__",): "compare, and reduce with xp.any",
    ("__hash__",): "an array is no key of a dict and no member of a set; use its name",
    ("__str__", "__format__", "__bytes__"): "its entries are balls, which have no text; print in a framework's run",
    ("__copy__", "__deepcopy__"): "arrays are immutable; use the array itself",
    ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__"): "it lives in one evaluation only",
    ("__array__", "__dlpack__", "__buffer__"): "as a NumPy array it would leave the exact arithmetic; stay in xp",
}  # fmt: skip

#: Operators that NumPy calls on behalf of Python where a NumPy value stands on one side.
OPERATORS: dict[np.ufunc, Callable[[Any, Any], Any]] = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.true_divide: operator.truediv,
    np.floor_divide: operator.floordiv, np.remainder: operator.mod, np.power: operator.pow, np.matmul: operator.matmul,
    np.greater: operator.gt, np.greater_equal: operator.ge, np.less: operator.lt, np.less_equal: operator.le,
    np.equal: operator.eq, np.not_equal: operator.ne, np.bitwise_and: operator.and_, np.bitwise_or: operator.or_,
    np.bitwise_xor: operator.xor,
}  # fmt: skip


class Strict:
    """Base of what a program holds; subclasses say what it is called, its shape, and how it is indexed."""

    __slots__ = ("xp",)
    noun = "a value"

    def __init__(self, xp: Any) -> None:
        object.__setattr__(self, "xp", xp)

    @property
    def shape(self) -> Shape:
        raise NotImplementedError

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=object))

    @property
    def T(self) -> Any:
        return self.xp.permute_dims(self, tuple(reversed(range(self.ndim))))

    @property
    def mT(self) -> Any:
        return self.xp.matrix_transpose(self)

    def __repr__(self) -> str:
        """For debuggers and messages; it tells nothing that a program could branch on."""
        return f"<{self.noun} of the exact namespace, shape {self.shape}>"

    def __getitem__(self, key: Any) -> Any:
        return self.xp.index(self, key)

    def __len__(self) -> int:
        if not self.shape:
            self._refuse("__len__", "its shape is ()")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    def __setattr__(self, name: str, value: Any) -> None:
        self._refuse(f".{name} = ...", "arrays are immutable")

    def __delattr__(self, name: str) -> None:
        self._refuse(f".{name}", "arrays are immutable")

    def __getattr__(self, name: str) -> Any:
        self._refuse(f".{name}", f"write xp.{name.strip('_')}(...) where the array API has it")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Operators with a NumPy value on one side; a function of NumPy is refused."""
        if method != "__call__" or options or ufunc not in OPERATORS:
            self._refuse(f"numpy.{ufunc.__name__}", f"write xp.{ufunc.__name__} where the array API has it")
        return OPERATORS[ufunc](*map(self.xp.operand, inputs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        self._refuse(f"numpy.{function.__name__}", f"write xp.{function.__name__} where the array API has it")

    def _refuse(self, what: str, instead: str) -> NoReturn:
        raise UnknownPrimitive(f"{self.noun} of the exact namespace has no {what}: {instead}")


def _refusing(name: str, instead: str) -> Callable[..., NoReturn]:
    def refuse(self: Strict, *operands: Any) -> NoReturn:
        self._refuse(name, instead)

    return refuse


for _group, _instead in REFUSED.items():
    for _name in _group:
        setattr(Strict, _name, _refusing(_name, _instead))
