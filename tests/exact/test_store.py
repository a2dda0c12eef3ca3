"""The store of references: lossless, whole or not at all, and honest about damage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import flint
import numpy as np
import pytest

import xcheck
from xcheck import _store
from xcheck._errors import StoreError
from xcheck.exact.balls import Balls, precision
from xcheck.exact.certify import Certified, certify
from xcheck.exact.derivatives import Derivatives
from xcheck.quantities import load_quantities

CASE = xcheck.load_cases()["linear_gaussian_quarter"]
HESSIAN = load_quantities()["hessian_params"]


@pytest.fixture
def leaves() -> dict[str, Certified]:
    return certify(CASE, [HESSIAN])["hessian_params"]


def same(a: Certified, b: Certified) -> bool:
    return bool(
        np.array_equal(a.value, b.value)
        and np.array_equal(a.low, b.low)
        and np.all(a.radius <= b.radius)
        and np.all(b.radius <= 2 * a.radius)
        and np.all(np.abs(np.log2(a.scale) - np.log2(b.scale)) <= 2.0**-6)
    )


def test_what_is_written_holds_a_hundred_bits(tmp_path: Path, leaves: dict[str, Certified]) -> None:
    path = tmp_path / "a" / "reference.npz"
    _store.write(path, leaves, 0.125, "certified")
    found, margin, status = _store.read(path)
    assert (margin, status) == (0.125, "certified")
    assert same(leaves[""], found[""])
    with precision(192):
        truth = HESSIAN.reference(Derivatives(CASE, Balls()))[""]
        for ball, high, low in zip(truth.ravel(), found[""].value.ravel(), found[""].low.ravel(), strict=True):
            assert abs(ball - flint.arb(high) - flint.arb(low)) < abs(ball) * flint.arb(2) ** -100


def test_a_zero_has_radius_and_scale_zero(tmp_path: Path) -> None:
    zero = np.zeros(2)
    _store.write(tmp_path / "zero.npz", {"": Certified(zero, zero, zero, zero)}, float("inf"), "certified")
    found, margin, _ = _store.read(tmp_path / "zero.npz")
    assert margin == float("inf")
    assert [a.tolist() for a in vars(found[""]).values()] == [[0.0, 0.0]] * 4


def test_no_damage_goes_unseen(tmp_path: Path, leaves: dict[str, Certified]) -> None:
    """Every 23rd byte of the file turned, one at a time, and the file cut short."""
    path = tmp_path / "reference.npz"
    _store.write(path, leaves, 1.0, "certified")
    whole = path.read_bytes()
    messages, read_anyway = [], 0
    for at in range(0, len(whole), 23):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        try:
            found, margin, status = _store.read(path)
        except StoreError as error:
            messages.append(str(error))
            continue
        # A turned bit in a time stamp of the archive harms nothing.
        assert (same(leaves[""], found[""]), margin, status) == (True, 1.0, "certified")
        read_anyway += 1
    assert read_anyway < len(messages)
    assert all("delete it" in message and "\n" not in message for message in messages)
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError, match="damaged"):
            _store.read(path)


WRITE = """
import sys
from pathlib import Path
import numpy as np
from xcheck import _store
from xcheck.exact.certify import Certified
seed, path = int(sys.argv[1]), Path(sys.argv[2])
a = np.random.default_rng(seed).standard_normal(20000)
for _ in range(20):
    _store.write(path, {"": Certified(a, a * 0, a * 0, np.abs(a))}, float(seed), "certified")
"""


def test_two_processes_may_write_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "reference.npz"
    writers = [subprocess.Popen([sys.executable, "-c", WRITE, str(seed), str(path)]) for seed in (1, 2)]
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            found, margin, _ = _store.read(path)
            expected = np.random.default_rng(int(margin)).standard_normal(20000)
            assert np.array_equal(found[""].value, expected)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert [file.name for file in tmp_path.iterdir()] == ["reference.npz"]


def test_an_unwritable_place_is_one_line(tmp_path: Path, leaves: dict[str, Certified]) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot write the reference .*XCHECK_CACHE") as caught:
        _store.write(tmp_path / "file" / "reference.npz", leaves, 1.0, "certified")
    assert "\n" not in str(caught.value)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, leaves: dict[str, Certified], monkeypatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(StoreError, match="No space left on device"):
        _store.write(tmp_path / "reference.npz", leaves, 1.0, "certified")
    assert list(tmp_path.iterdir()) == []
