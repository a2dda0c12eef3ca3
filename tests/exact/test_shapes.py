"""Shapes, indices and constants: what NumPy makes of them, or one line that names the shapes; never a traceback."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from xcheck._dtypes import UNIT
from xcheck._errors import CaseError, UnknownPrimitive, XCheckError
from xcheck._judge import LIMIT
from xcheck.exact.balls import Balls, precision
from xcheck.exact.jets import Jets
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.exact.namespace import Array, IntegerArray, Namespace
from xcheck.exact.tape import Tape

A = np.arange(24.0).reshape(2, 3, 4) / 8 - 1
ROWS, COLUMNS = np.array([1, 0, 1]), np.array([2, 0, -1])
MASK = np.array([True, False, True])
KEYS: dict[str, Any] = {
    "one": 0, "last": -1, "all_ints": (1, 2, 3), "np_int": np.int64(1), "none": None, "none_in": (0, None, ..., None),
    "dots": (..., 1), "step": (slice(None), slice(None, None, 2)), "back": (..., slice(None, None, -1)),
    "back_part": (slice(None), slice(2, None, -2)), "empty": (slice(None), slice(0, 0)), "array": ROWS,
    "arrays": (ROWS, COLUMNS), "arrays_last": (..., COLUMNS, COLUMNS), "apart": (ROWS, slice(None), COLUMNS),
    "apart_none": (ROWS, None, COLUMNS),
    "matrix": (slice(None), np.array([[0, 1], [2, 0]])), "with_int": (slice(None), 1, COLUMNS),
    "int_array": (1, COLUMNS),
    "broadcast": (ROWS[:2, None], COLUMNS), "mask": (slice(None), MASK), "mask_2d": A[..., 0] > 0, "list": [1, 0],
    "front": (ROWS, slice(None), 2), "nothing": (), "everything": ...,
}  # fmt: skip


def compared(found: Any, expected: Any) -> None:
    values = np.vectorize(float, otypes=[float])(found.value)
    assert values.shape == np.shape(expected)
    assert np.array_equal(values, expected)


@pytest.mark.parametrize("name", KEYS)
def test_an_index_is_numpys(name: str) -> None:
    key, xp = KEYS[name], Namespace(Balls())
    compared(xp.real(A)[key], A[key])
    compared(IntegerArray(xp, np.arange(24).reshape(A.shape))[key], np.arange(24).reshape(A.shape)[key])
    assert np.array_equal((xp.real(A) > 0)[key].holds, (A > 0)[key])


@pytest.mark.parametrize("name", KEYS)
def test_an_index_is_linear_in_jets_and_on_the_tape(name: str) -> None:
    """The derivative of `x[key]` along A is `A[key]`, and that of its sum counts how often each entry is chosen."""
    key, balls = KEYS[name], Balls()
    jets = Jets(balls, 1)
    found = Namespace(jets)
    jet = Array(found, jets.lift(balls.constant(A), balls.constant(A[None])))[key].value
    assert np.array_equal(np.vectorize(float, otypes=[float])(jet.coefficients[1]), A[key][None])
    tape = Tape(balls)
    variable = tape.variable(balls.constant(A))
    total = Namespace(tape).sum(Array(Namespace(tape), variable)[key]).value
    (pulled,) = tape.pullback(total, balls.literal(1.0), [variable])
    counts = np.zeros(A.shape)
    np.add.at(counts, key, 1.0)
    assert np.array_equal(counts, 0 * counts if pulled is None else np.vectorize(float)(pulled))


FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "dot": lambda xp, a: a[0, 0] @ a[1, 1],
    "vector_matrix": lambda xp, a: a[0, :, 0] @ a[0],
    "matrix_vector": lambda xp, a: a @ a[0, 0],
    "matmul_empty": lambda xp, a: a[:, :, :0] @ xp.matrix_transpose(a)[:, :0],
    "matmul_no_rows": lambda xp, a: a[:, :0] @ xp.matrix_transpose(a),
    "sum_empty": lambda xp, a: xp.sum(a[:, :0], axis=1),
    "sum_of_nothing": lambda xp, a: xp.sum(a[:0]),
    "sum_kept": lambda xp, a: xp.sum(a[:, :0], axis=(0, 1), keepdims=True),
    "concat_empty": lambda xp, a: xp.concat([a[:, :0], a], axis=1),
    "reshape_empty": lambda xp, a: xp.reshape(a[:, :0], (0, 7)),
    "reshape_int": lambda xp, a: xp.reshape(a, -1),
    "prod": lambda xp, a: xp.prod(a, axis=1) + xp.prod(a[:, :0], axis=1),
    "prod_all": lambda xp, a: xp.prod(a[:, 0, 1:3]),
    "cumulative_sum": lambda xp, a: xp.cumulative_sum(a, axis=1),
    "repeat": lambda xp, a: xp.repeat(a, 2, axis=1),
    "tile": lambda xp, a: xp.tile(a, (2, 1, 3)),
    "roll": lambda xp, a: xp.roll(a, 2, axis=2),
    "roll_axes": lambda xp, a: xp.roll(a, (1, -1), axis=(1, 2)),
    "outer": lambda xp, a: xp.outer(a[0, 0], a[0, :, 1]),
    "vecdot": lambda xp, a: xp.vecdot(a, a[0]),
    "tensordot": lambda xp, a: xp.tensordot(a, a[0], axes=2),
    "tensordot_axes": lambda xp, a: xp.tensordot(a, a, axes=((2, 0), (2, 0))),
    "moveaxis": lambda xp, a: xp.moveaxis(a, (0, 1), (-1, 0)),
    "squeeze": lambda xp, a: xp.squeeze(a[:1, :, :1], axis=(0, 2)),
    "flip": lambda xp, a: xp.flip(a),
    "sign": lambda xp, a: xp.sign(a),
    "zeros": lambda xp, a: (
        xp.zeros((3, 4), dtype=a.dtype) + xp.ones(4, dtype=a.dtype) * a + xp.eye(3, 4, dtype=a.dtype)
        + xp.full((), 0.1, dtype=a.dtype)
    ),
    "like": lambda xp, a: xp.zeros_like(a) + xp.ones_like(a) + xp.full_like(a, 0.75),
    "arange": lambda xp, a: a * xp.arange(4) + xp.arange(1, 7, 2)[:, None],
    "cast": lambda xp, a: xp.astype(a > 0, a.dtype) * a + xp.astype(xp.arange(4), a.dtype) / 3,
    "logic": lambda xp, a: xp.where(xp.logical_xor(a > 0, xp.logical_not(a < 1)) | xp.equal(a, 0.5), a, -a),
    "any": lambda xp, a: xp.where(xp.any(a > 1, axis=2, keepdims=True) & ~xp.all(a > 0, axis=(1, 2))[0], a, 0.0),
    "condition_moved": lambda xp, a: xp.where(xp.reshape(xp.permute_dims(a > 0, (0, 2, 1)), a.shape), a, 0.0),
    "condition_times": lambda xp, a: (a > 0) * a + (a > 1) * 2 - (a < 0),
    "power": lambda xp, a: a**0 + a**2 + (a + 4) ** -1 + (a + 4) ** 0.5,
    "power_of": lambda xp, a: 2.0**a + 1.0**a,
    "power_array": lambda xp, a: (a + 4) ** (a - 1),
    "power_counts": lambda xp, a: a ** np.array([0, 1, 2, 3]),
    "float32": lambda xp, a: a * np.float32(0.1) + np.float64(0.1) + np.array(0.1, dtype=np.float32),
    "bool": lambda xp, a: a * True + np.bool(True) + np.array([True, False, True, False]) * a,
    "in_lists": lambda xp, a: xp.add(a, [1, 2, 3, 4]),
    "matrix_transposed": lambda xp, a: a.mT @ a + a[0].T @ a[0],
    "scalar": lambda xp, a: abs(a[0, 0, 0]) * +a[1, 1, 1] - 1,
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_numpys(name: str) -> None:
    """In plain floats and in balls, up to NumPy's own rounding of numbers of about 1."""
    floats = Namespace(MonteCarlo(noise=0.0))
    expected = FUNCTIONS[name](NUMPY, A)
    found = FUNCTIONS[name](floats, Array(floats, A)).value
    assert np.shape(found) == np.shape(expected)
    allowed = LIMIT * UNIT["float64"] * np.maximum(1.0, np.abs(expected))
    assert np.all(np.abs(found - expected) <= allowed)
    with precision(128):
        balls = Namespace(Balls())
        exact = FUNCTIONS[name](balls, balls.real(A)).value
    assert exact.shape == np.shape(expected)
    assert np.all(np.abs(np.vectorize(float, otypes=[float])(exact) - expected) <= allowed)


class _NumPy:
    """NumPy under the array API's calling conventions."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    @staticmethod
    def matrix_transpose(a: Any) -> Any:
        return np.swapaxes(a, -1, -2)

    @staticmethod
    def astype(a: Any, dtype: Any) -> Any:
        return a.astype(dtype)

    @staticmethod
    def vecdot(a: Any, b: Any) -> Any:
        return np.sum(a * b, axis=-1)

    @staticmethod
    def where(condition: Any, a: Any, b: Any) -> Any:
        return np.where(condition, a, b)


NUMPY = _NumPy()
WRONG: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "broadcast": (lambda xp, a: a + xp.zeros((2, 5), dtype=a.dtype), r"\(2, 3, 4\) and \(2, 5\) do not broadcast"),
    "broadcast_to": (lambda xp, a: xp.broadcast_to(a, (3, 4)), r"\(2, 3, 4\) does not broadcast to \(3, 4\)"),
    "where": (lambda xp, a: xp.where(a > 0, a[0, 0], xp.zeros(3, dtype=a.dtype)), "do not broadcast"),
    "matmul": (lambda xp, a: a @ a, r"matmul of shapes \(2, 3, 4\) and \(2, 3, 4\)"),
    "matmul_scalar": (lambda xp, a: a @ 2.0, r"matmul of shapes \(2, 3, 4\) and \(\)"),
    "matmul_lead": (lambda xp, a: a @ xp.zeros((3, 4, 1), dtype=a.dtype), r"\(2,\) and \(3,\) do not broadcast"),
    "reshape": (lambda xp, a: xp.reshape(a, (5, 5)), r"\(2, 3, 4\) cannot be reshaped to \(5, 5\)"),
    "reshape_rest": (lambda xp, a: xp.reshape(a, (5, -1)), "cannot be reshaped"),
    "reshape_twice": (lambda xp, a: xp.reshape(a, (-1, -1)), "cannot be reshaped"),
    "reshape_zero": (lambda xp, a: xp.reshape(a[:0], (0, -1)), "cannot be reshaped"),
    "reshape_float": (lambda xp, a: xp.reshape(a, (4.0, 6)), "a size is 4.0, expected an integer"),
    "axis": (lambda xp, a: xp.sum(a, axis=3), r"axis 3 does not name axes of shape \(2, 3, 4\)"),
    "axis_twice": (lambda xp, a: xp.sum(a, axis=(0, -3)), "each once"),
    "axis_bool": (lambda xp, a: xp.sum(a, axis=True), "an axis is True"),
    "permute": (lambda xp, a: xp.permute_dims(a, (0, 1)), "every axis"),
    "squeeze": (lambda xp, a: xp.squeeze(a, 1), "size 1"),
    "expand": (lambda xp, a: xp.expand_dims(a, axis=5), "index 5 is out of range"),
    "concat": (lambda xp, a: xp.concat([a, a[0]]), "one number of axes"),
    "concat_sizes": (lambda xp, a: xp.concat([a, a[:, :1]], axis=2), "one shape elsewhere"),
    "concat_nothing": (lambda xp, a: xp.concat([]), "none at all"),
    "stack": (lambda xp, a: xp.stack([a, a[0]]), "one shape"),
    "mean_empty": (lambda xp, a: xp.mean(a[:0]), "no entries"),
    "max_empty": (lambda xp, a: xp.max(a[:, :0], axis=1), "no entries"),
    "index_far": (lambda xp, a: a[2], "index 2 is out of range"),
    "index_low": (lambda xp, a: a[..., -5], "index -5 is out of range"),
    "index_array": (lambda xp, a: a[np.array([0, 2])], "index 2 is out of range"),
    "index_many": (lambda xp, a: a[0, 0, 0, 0], "for 4 axes"),
    "index_dots": (lambda xp, a: a[..., ...], "2 times"),
    "index_float": (lambda xp, a: a[1.0], "an index is a float"),
    "index_floats": (lambda xp, a: a[np.array([1.0])], "of dtype float64"),
    "index_bool": (lambda xp, a: a[True], "an index is a bool"),
    "index_value": (lambda xp, a: a[a[0, 0, 0]], "no derivative"),
    "index_condition": (lambda xp, a: a[a > 0], r"choose with xp\.where"),
    "index_mask": (lambda xp, a: a[np.array([True, False, True])], "a mask of shape"),
    "index_pair": (lambda xp, a: a[np.array([0, 1]), np.array([0, 1, 2])], "do not broadcast"),
    "index_order": (lambda xp, a: a[0, :, COLUMNS], "differently"),
    "take_far": (lambda xp, a: xp.take(a, np.array([-1]), axis=0), "index -1 is out of range"),
    "pick_far": (lambda xp, a: xp.nn.pick(a[0], np.array([0, 1, 4])), "index 4 is out of range"),
    "pick_real": (lambda xp, a: xp.nn.pick(a[0], np.array([0.0, 1.0, 2.0])), "are integers"),
    "none": (lambda xp, a: a + None, r"uses None \(NoneType\) as a number"),
    "text": (lambda xp, a: a * "3", "'3' .str. as a number"),
    "complex": (lambda xp, a: a * (1 + 2j), "complex. as a number"),
    "complexes": (lambda xp, a: a * np.array([1j] * 4), "dtype complex128"),
    "fraction": (lambda xp, a: a * Fraction(1, 3), "Fraction"),
    "decimal": (lambda xp, a: a * decimal.Decimal("0.1"), "Decimal"),
    "nan": (lambda xp, a: a * float("nan"), "nan"),
    "objects": (lambda xp, a: a * np.array([1, None, 2, 3], dtype=object), "dtype object"),
    "longdouble": (lambda xp, a: a * np.ones(4, dtype=np.longdouble), "dtype float128"),
    "ragged": (lambda xp, a: a * [[1.0], [2.0, 3.0]], "ragged"),
    "asarray_none": (lambda xp, a: xp.asarray(None), "NoneType"),
    "divided": (lambda xp, a: a / 0, "divides by the number 0"),
    "power_negative": (lambda xp, a: a**0.3, "for x > 0 alone"),
    "power_base": (lambda xp, a: (-2.0) ** a, "for x > 0 alone"),
    "where_number": (lambda xp, a: xp.where(a, a, a), "expected a comparison"),
    "floor": (lambda xp, a: a // 2, "__floordiv__"),
    "full": (lambda xp, a: xp.full((2,), 0.1), "say dtype=x.dtype"),
    "arange": (lambda xp, a: xp.arange(0, 1, 0.1), "expected an integer"),
    "dtype": (lambda xp, a: a.dtype == np.float64, "has no __eq__"),
    "dtype_of_numpy": (lambda xp, a: xp.zeros(3, dtype=np.float32), "say dtype=x.dtype"),
    "cast_of_reals": (lambda xp, a: xp.astype(a, np.int64), "say dtype=x.dtype"),
    "tensordot": (lambda xp, a: xp.tensordot(a, a, axes=1), "other sizes"),
    "unknown": (lambda xp, a: xp.fft(a), "no xp.fft"),
}  # fmt: skip


@pytest.mark.parametrize("algebra", [lambda: MonteCarlo(noise=0.0), Balls], ids=["floats", "balls"])
@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_one_clear_line(name: str, algebra: Any) -> None:
    function, line = WRONG[name]
    xp = Namespace(algebra())
    with pytest.raises((CaseError, UnknownPrimitive), match=line) as raised:
        function(xp, Array(xp, xp.alg.constant(A)))
    assert "\n" not in str(raised.value)
    assert isinstance(raised.value, XCheckError)
