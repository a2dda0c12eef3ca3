"""The store of references: lossless, whole or not at all, and honest about damage."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
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
LABEL = _store.Label("linear_gaussian_quarter", "hessian_params", "", "0123456789abcdef" * 4, "certified", "0.125")


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
    path = _store.write(tmp_path / "a", LABEL, leaves)
    label, found = _store.read(path)
    assert label == LABEL
    assert same(leaves[""], found[""])
    with precision(192):
        truth = HESSIAN.reference(Derivatives(CASE, Balls()))[""]
        for ball, high, low in zip(truth.ravel(), found[""].value.ravel(), found[""].low.ravel(), strict=True):
            assert abs(ball - flint.arb(high) - flint.arb(low)) < abs(ball) * flint.arb(2) ** -100


def test_a_zero_has_radius_and_scale_zero(tmp_path: Path) -> None:
    zero = np.zeros(2)
    label, found = _store.read(_store.write(tmp_path, replace(LABEL, margin="inf"), {"": Certified(*[zero] * 4)}))
    assert float(label.margin) == float("inf")
    assert [a.tolist() for a in vars(found[""]).values()] == [[0.0, 0.0]] * 4


def test_no_damage_goes_unseen(tmp_path: Path, leaves: dict[str, Certified]) -> None:
    """Every 23rd byte of the file turned, one at a time, and the file cut short."""
    path = _store.write(tmp_path, LABEL, leaves)
    whole = path.read_bytes()
    messages, read_anyway = [], 0
    for at in range(0, len(whole), 23):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        try:
            label, found = _store.read(path)
        except StoreError as error:
            messages.append(str(error))
            continue
        # A turned bit in a time stamp of the archive harms nothing.
        assert (same(leaves[""], found[""]), label) == (True, LABEL)
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
a = np.random.default_rng(int(sys.argv[1])).standard_normal(20000)
label = _store.Label("case", "hvp", "", "0" * 64, "certified", sys.argv[1])
for _ in range(20):
    _store.write(Path(sys.argv[2]), label, {"": Certified(a, a * 0, a * 0, np.abs(a))})
"""


def test_two_processes_may_write_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "case.hvp.0000000000000000.npz"
    writers = [subprocess.Popen([sys.executable, "-c", WRITE, str(seed), str(tmp_path)]) for seed in (1, 2)]
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            label, found = _store.read(path)
            expected = np.random.default_rng(int(label.margin)).standard_normal(20000)
            assert np.array_equal(found[""].value, expected)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert list(tmp_path.iterdir()) == [path]


def test_an_unwritable_place_is_one_line(tmp_path: Path, leaves: dict[str, Certified]) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot write .*XCHECK_CACHE") as caught:
        _store.write(tmp_path / "file", LABEL, leaves)
    assert "\n" not in str(caught.value)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, leaves: dict[str, Certified], monkeypatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StoreError, match="No space left on device"):
        _store.write(tmp_path, LABEL, leaves)
    assert list(tmp_path.iterdir()) == []


def test_a_reference_under_anothers_name_is_refused(tmp_path: Path, leaves: dict[str, Certified]) -> None:
    path = _store.write(tmp_path, LABEL, leaves)
    other = path.rename(tmp_path / path.name.replace("hessian_params", "ggn"))
    with pytest.raises(StoreError, match=r"it is linear_gaussian_quarter\.hessian_params\..* under another name"):
        _store.read(other)


def test_what_is_read_cannot_be_written_to(tmp_path: Path, leaves: dict[str, Certified]) -> None:
    _, found = _store.read(_store.write(tmp_path, LABEL, leaves))
    for part in vars(found[""]).values():
        with pytest.raises(ValueError, match="read-only"):
            part *= 0.5
        with pytest.raises(ValueError, match="WRITEABLE"):
            part.setflags(write=True)
