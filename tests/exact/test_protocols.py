"""Every protocol of Python and NumPy on a program's value has NumPy's meaning, or is refused by name."""

from __future__ import annotations

import copy
import math
import operator
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xcheck._dtypes import UNIT
from xcheck._errors import XCheckError
from xcheck._judge import LIMIT
from xcheck.exact.balls import Balls
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.exact.namespace import Array, Condition, IntegerArray, Namespace
from xcheck.exact.namespace.protocols import Strict

#: Where the language itself says which protocols there are.
LANGUAGE = (object, int, float, complex, bool, str, bytes, list, tuple, dict, set, np.ndarray, np.float64)
#: About classes and attributes, not about values; `__repr__` is for debuggers, and has a test of its own.
OF_OBJECTS = {
    "__class__", "__class_getitem__", "__delattr__", "__dir__", "__doc__", "__getattribute__", "__init__",
    "__init_subclass__", "__new__", "__repr__", "__setattr__", "__sizeof__", "__subclasshook__", "__getnewargs__",
    "__getformat__", "__getnewargs_ex__",
}  # fmt: skip
BINARY = (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift", "lt",
    "le", "gt", "ge", "eq", "ne",
)  # fmt: skip
Use = Callable[[Any, Any], Any]


def _assigned(x: Any, y: Any) -> None:
    x[0] = y


def _deleted(x: Any, y: Any) -> None:
    del x[0]


USES: dict[str, tuple[Use, ...]] = {
    "__abs__": (lambda x, y: abs(x),),
    "__neg__": (lambda x, y: -x,),
    "__pos__": (lambda x, y: +x,),
    "__invert__": (lambda x, y: ~x,),
    "__bool__": (lambda x, y: bool(x), lambda x, y: not x, lambda x, y: bool(x[0, 0]), lambda x, y: x[0, 0] and 3.0),
    "__float__": (lambda x, y: float(x), lambda x, y: float(x[0, 0]), lambda x, y: math.exp(x[0, 0])),
    "__int__": (lambda x, y: int(x), lambda x, y: int(x[0, 0])),
    "__index__": (lambda x, y: [5, 6, 7, 8][x[0, 0]], lambda x, y: list(range(x[0, 0]))),
    "__complex__": (lambda x, y: complex(x[0, 0]),),
    "__round__": (lambda x, y: round(x), lambda x, y: round(x[0, 0], 1)),
    "__trunc__": (lambda x, y: math.trunc(x[0, 0]),),
    "__floor__": (lambda x, y: math.floor(x[0, 0]),),
    "__ceil__": (lambda x, y: math.ceil(x[0, 0]),),
    "__divmod__": (lambda x, y: divmod(x, y),),
    "__rdivmod__": (lambda x, y: divmod(2, x),),
    "__len__": (lambda x, y: len(x), lambda x, y: len(x[0, 0])),
    "__iter__": (lambda x, y: list(x), lambda x, y: [a for row in x for a in row], lambda x, y: list(x[0, 0])),
    "__reversed__": (lambda x, y: list(reversed(x)),),
    "__contains__": (lambda x, y: 0.5 in x, lambda x, y: x[0, 0] in (x[1, 1], x[0, 0] + 0)),
    "__getitem__": (lambda x, y: x[0], lambda x, y: x[..., None], lambda x, y: x[-1, ::-1], lambda x, y: x[5]),
    "__setitem__": (_assigned,),
    "__delitem__": (_deleted,),
    "__hash__": (lambda x, y: hash(x), lambda x, y: {x}, lambda x, y: {x: 1}),
    "__str__": (lambda x, y: str(x), lambda x, y: f"{x!s}", lambda x, y: {"0.5": 1}.get(str(x[0, 0]))),
    "__format__": (lambda x, y: f"{x}", lambda x, y: f"{x:.3f}", lambda x, y: format(x, ".2e")),
    "__bytes__": (lambda x, y: bytes(x),),
    "__copy__": (lambda x, y: copy.copy(x),),
    "__deepcopy__": (lambda x, y: copy.deepcopy([x]),),
    "__reduce_ex__": (lambda x, y: pickle.dumps(x),),
    "__array__": (lambda x, y: np.asarray(x), lambda x, y: np.array([x, x]), lambda x, y: np.float64(x)),
    "__array_ufunc__": (
        lambda x, y: np.exp(x), lambda x, y: np.add(x, 1), lambda x, y: np.add.reduce(x), lambda x, y: np.add(1, x),
        lambda x, y: np.isnan(x), lambda x, y: np.float64(2) * x, lambda x, y: np.ones((2, 3)) - x,
    ),
    "__array_function__": (lambda x, y: np.sum(x), lambda x, y: np.where(x, 1, 0), lambda x, y: np.concatenate([x, x])),
    "__lt__": (lambda x, y: max(x[0, 0], x[0, 1]), lambda x, y: sorted([x[0, 0], x[0, 1], x[1, 0]])),
    "__and__": (lambda x, y: (x > 0) & (y > 0), lambda x, y: x & True),
}  # fmt: skip
for name in BINARY:
    function = getattr(operator, f"{name}_" if name in ("and", "or") else name)
    in_place = getattr(operator, f"i{name}", None)
    USES[f"__{name}__"] = (*USES.get(f"__{name}__", ()), lambda x, y, f=function: f(x, y))
    USES[f"__{name}__"] += tuple(lambda x, y, f=function, c=c: f(x, c) for c in (2, 0.5, True))
    USES[f"__r{name}__"] = tuple(
        lambda x, y, f=function, c=c: f(c, x)
        for c in (2, 0.5, np.float32(0.75), np.array([1.0, 2.0, 3.0]), np.int64(3))
    )
    if in_place:
        USES[f"__i{name}__"] = (lambda x, y, f=in_place: f(x, y),)

REALS = np.array([[0.5, 1.0, 2.0], [1.5, 0.25, 0.75]]), np.array([[0.5, 2.0, 1.0], [0.5, 3.0, 0.25]])
SIGNED = np.array([[-0.5, 1.0, 0.0], [1.5, -0.25, 3.0]]), np.array([[2.0, 1.0, 0.5], [1.5, 1.0, 3.0]])
COUNTS = np.array([[3, 2, 5], [1, 4, 0]]), np.array([[2, 3, 1], [1, 2, 3]])
TRUTHS = np.array([[True, False, True], [False, True, True]]), np.array([[True, True, False], [False, True, False]])
KINDS = {"reals": REALS, "signed": SIGNED, "counts": COUNTS, "truths": TRUTHS}


def asked() -> list[str]:
    names = {name for kind in LANGUAGE for name in dir(kind) if name.startswith("__") and name.endswith("__")}
    return sorted(names - OF_OBJECTS | set(USES))


def given(xp: Namespace, array: np.ndarray) -> Any:
    if array.dtype.kind == "b":
        return Condition(xp, array)
    return IntegerArray(xp, array) if array.dtype.kind == "i" else Array(xp, xp.alg.constant(array))


def plain(result: Any) -> Any:
    if isinstance(result, (list, tuple)):
        return [plain(one) for one in result]
    if isinstance(result, Array):
        return np.asarray(np.vectorize(float, otypes=[float])(result.value))
    return result.holds if isinstance(result, Condition) else result.value if isinstance(result, Strict) else result


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's own, of powers and divisions that ours refuse
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("algebra", [lambda: MonteCarlo(noise=0.0), Balls], ids=["floats", "balls"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", asked())
def test_a_protocol_has_numpys_meaning_or_is_refused_by_name(name: str, kind: str, algebra: Any) -> None:
    xp, said = Namespace(algebra()), []
    for use in USES.get(name, (lambda x, y: getattr(x, name)(),)):
        try:
            found = use(*(given(xp, array) for array in KINDS[kind]))
        except XCheckError as refused:
            said.append(str(refused))
            continue
        expected = use(*(array.copy() for array in KINDS[kind]))
        found, expected = (np.asarray(one, dtype=np.float64) for one in (plain(found), expected))
        assert found.shape == expected.shape
        # What is not finite has no reference, in whatever way it is not.
        assert np.array_equal(np.isfinite(found), np.isfinite(expected))
        found, expected = found[np.isfinite(found)], expected[np.isfinite(expected)]
        assert np.all(np.abs(found - expected) <= LIMIT * UNIT["float64"] * np.abs(expected))
    assert not any("\n" in line for line in said)


def test_numpys_meaning_is_not_refused_where_programs_need_it() -> None:
    """A namespace that refused everything would pass the test above."""
    xp = Namespace(Balls())
    x, y = (given(xp, array) for array in SIGNED)
    assert (x + y - 1).shape == (2, 3)
    for use, expected in (
        (lambda: bool(x[0, 0] < 0), True), (lambda: max(x[0, 0], x[0, 1]) is not None, True), (lambda: len(x), 2),
        (lambda: [len(row) for row in x], [3, 3]), (lambda: bool(xp.any(x == 0)), True),
        (lambda: (0 < y[0, 0] < 3), True), (lambda: bool(xp.sum(x) > 0 and not x[0, 2]), True),
    ):  # fmt: skip
        assert plain(use()) == expected


def test_the_text_of_a_value_tells_nothing() -> None:
    xp = Namespace(Balls())
    assert repr(given(xp, REALS[0])) == repr(given(xp, SIGNED[0])) == "<an array of the exact namespace, shape (2, 3)>"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["item", "tolist", "detach", "numpy", "sum", "imag", "astype", "flat", "real"])
def test_methods_of_other_libraries_are_named(name: str, kind: str) -> None:
    x = given(Namespace(Balls()), KINDS[kind][0])
    with pytest.raises(XCheckError, match=rf"has no \.{name}: write xp\.{name}"):
        getattr(x, name)
    with pytest.raises(XCheckError, match="immutable"):
        setattr(x, name, 1)
