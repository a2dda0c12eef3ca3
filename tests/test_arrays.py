"""Descriptors: rounding, digests, stored bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xcheck import CaseError, Computed, Integers, Linspace, Literal, LogNormal, Normal, Stored, Uniform
from xcheck._stored import list_checksums
from xcheck.arrays import rounded, stored_path

EVERY = (
    Normal((5, 2), seed=1),
    LogNormal((5,), seed=2, sigma=0.75),
    Uniform((3, 1), 3, -2.0, 2.0),
    Linspace(-1, 1, (7,)),
    Literal((0.1, 0.2)),
    Computed("double", lambda x: 2 * x, (Normal((4,), seed=5),)),
)


@pytest.mark.parametrize("descriptor", EVERY, ids=lambda d: type(d).__name__)
def test_float32_holds_every_value(descriptor) -> None:
    values = descriptor.make()
    assert values.dtype == np.float64
    assert np.array_equal(values, values.astype(np.float32).astype(np.float64))
    assert np.array_equal(values, descriptor.make())


def test_float64_data_are_not_rounded() -> None:
    assert not np.array_equal(Normal((5,), 1, dtype="float64").make(), Normal((5,), 1).make())


def test_integers_stay_integers() -> None:
    tokens = Integers((100,), 1, 3, 7).make()
    assert tokens.dtype == np.int64
    assert set(tokens.tolist()) == {3, 4, 5, 6}


def test_rounding_to_bfloat16_is_to_nearest_even() -> None:
    step = 2.0**-7
    below, tie_to_even, tie_up, above = 1 + 0.49 * step, 1 + 0.5 * step, 1 + 1.5 * step, 1 + 0.51 * step
    expected = [1.0, 1.0, 1 + 2 * step, 1 + step]
    assert rounded(np.array([below, tie_to_even, tie_up, above]), "bfloat16").tolist() == expected


def test_an_unknown_dtype_is_one_clear_line() -> None:
    with pytest.raises(CaseError, match="dtype is 'float16', expected one of float64, float32, tf32, bfloat16"):
        Normal((1,), 1, dtype="float16").make()


def test_stored_bytes_win_over_computing(tmp_path: Path) -> None:
    descriptor = Normal((3,), seed=1)
    path = stored_path(descriptor, tmp_path)
    assert path is not None
    np.save(path, np.array([1.0, 2.0, 3.0]))
    list_checksums(tmp_path, [path.name], [path.read_bytes()])
    assert descriptor.load(tmp_path).tolist() == [1.0, 2.0, 3.0]
    assert descriptor.load(None).tolist() == descriptor.make().tolist()
    np.save(path, np.array([1.0, 2.0, 4.0]))
    with pytest.raises(CaseError, match=r"is damaged \(its checksum is not that of SHA256SUMS\); delete it"):
        descriptor.load(tmp_path)
    (tmp_path / "SHA256SUMS").unlink()
    with pytest.raises(CaseError, match="SHA256SUMS does not list it"):
        descriptor.load(tmp_path)


def test_an_archive_that_is_listed_must_be_what_was_listed(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    np.savez(path, w=np.ones(2))
    assert Stored("weights.npz", "w").load(tmp_path).tolist() == [1.0, 1.0]
    list_checksums(tmp_path, [path.name], [path.read_bytes()])
    np.savez(path, w=np.zeros(2))
    with pytest.raises(CaseError, match="checksum"):
        Stored("weights.npz", "w").load(tmp_path)


def test_the_digest_is_of_everything_that_is_declared() -> None:
    digests = {Normal((3,), 1).digest, Normal((3,), 2).digest, Normal((3, 1), 1).digest, Uniform((3,), 1).digest}
    assert len(digests) == 4
    assert Normal((3,), 1).digest == Normal((3,), seed=1).digest


def test_the_digest_is_of_every_byte_of_an_array() -> None:
    """NumPy's repr shows eight digits, and of a long array only its ends."""
    near, long = np.array([1.0]), np.zeros(5000)
    other = long.copy()
    other[2500] = 1.0
    digests = {Literal(a).digest for a in (near, near + 2.0**-40, near.astype(np.float32), long, other, near[:, None])}
    assert len(digests) == 6
    sources = {Computed("2 a", np.negative, (Literal(a),)).digest for a in (near, near + 2.0**-40)}
    assert len(sources) == 2


def test_a_missing_stored_file_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"cannot read 'w' of .*weights\.npz"):
        Stored("weights.npz", "w").load(tmp_path)


@pytest.mark.parametrize(
    ("declare", "line"),
    [
        (lambda: Normal(3, 1), "Normal: shape is 3, expected a tuple of sizes"),
        (lambda: Normal([3], 1), r"shape is \[3\], expected a tuple"),
        (lambda: Normal((3, -1), 1), "shape is"),
        (lambda: Normal((3.0,), 1), "shape is"),
        (lambda: Normal((True,), 1), "shape is"),
        (lambda: Normal((3,), -1), "seed is -1, expected a whole number from 0"),
        (lambda: Normal((3,), 1.5), "seed is 1.5"),
        (lambda: Normal((3,), None), "seed is None"),
        (lambda: Normal((3,), 1, scale=float("inf")), "scale is inf, expected a finite real number"),
        (lambda: Normal((3,), 1, mean=1j), "mean is 1j"),
        (lambda: Normal((3,), 1, mean="0"), "mean is '0'"),
        (lambda: LogNormal((3,), 1, sigma=-1.0), "sigma is -1.0, expected a number from 0"),
        (lambda: Uniform((3,), 1, low=float("nan")), "low is nan"),
        (lambda: Linspace(0.0, None, (3,)), "stop is None"),
        (lambda: Integers((3,), 1, 0, 2.5), "high is 2.5, expected a whole number"),
        (lambda: Integers((3,), 1, 5, 5), "low is 5 and high is 5"),
        (lambda: Literal(None), "Literal: values is None, expected real numbers, nested as a rectangle"),
        (lambda: Literal("12"), "values is '12'"),
        (lambda: Literal((1.0, 2j)), "values is"),
        (lambda: Literal(((1.0,), (2.0, 3.0))), "values is"),
        (lambda: Literal((1.0, None)), "values is"),
        (lambda: Literal(2**70), "values is"),
        (lambda: Computed("f", 3), "function is 3, expected a function"),
        (lambda: Stored(3, "w"), "file is 3, expected the name of an npz file"),
    ],
)
def test_a_broken_descriptor_is_one_clear_line(declare, line: str) -> None:
    with pytest.raises(CaseError, match=line) as raised:
        declare()
    assert "\n" not in str(raised.value)
