"""What one cell does to its process reaches no other: no kind of damage changes an innocent cell's outcome."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import xcheck
from xcheck import _execute
from xcheck.run.fingerprint import READINGS, Fingerprint
from xcheck.run.plan import Cell
from xcheck.run.settings import Settings
from xcheck.run.work import work

ADAPTERS = Path(__file__).parent / "adapters"
sys.path.insert(0, str(ADAPTERS))
try:
    import damaging_adapter as damaging
finally:
    sys.path.remove(str(ADAPTERS))

#: What cannot go on after its own damage.
RAISES = {"raises_as_well", "torch_forward_ad", "torch_functional_patched", "torch_layer_patched",
          "torch_tensor_patched", "torch_vmap_level"}  # fmt: skip
#: Xcheck itself cannot go on after it: the process ends, and the pool gives the cell that outcome.
CRASHES = {"builtins_len"}


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """What came of each kind, each in a process of its own, forked where everything is loaded."""
    folder = tmp_path_factory.mktemp("damage")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(ADAPTERS / "damaging_adapter.py"), str(folder)], env=environment, timeout=300, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {file.name: json.loads(file.read_text()) for file in folder.iterdir() if file.is_file()}


@pytest.mark.parametrize("name", damaging.KINDS)
def test_a_cell_that_changes_its_process_says_so_and_is_the_last_there(tried, name):
    found = tried[name]
    expected = "raised" if name in RAISES else "crashed" if name in CRASHES else "mutated_state"
    assert found["outcome"] == expected, found
    assert found["spent"]
    assert name in CRASHES or "changed" in found["reason"]


@pytest.mark.parametrize("name", damaging.HARMLESS)
def test_what_nobody_can_see_is_no_damage(tried, name):
    assert tried[name] == {"outcome": "agrees", "reason": None, "spent": False, "after": "agrees"}


def test_there_are_sixty_kinds():
    assert len(damaging.KINDS) >= 60


@pytest.mark.parametrize("name", ["torch_grad_patched", "numpy_errors", "stderr_closed", "torch_default_device"])
def test_in_a_run_the_next_cell_has_a_fresh_process(monkeypatch, name):
    monkeypatch.syspath_prepend(str(ADAPTERS))
    monkeypatch.setenv("XCHECK_TEST_DAMAGE", name)
    found = xcheck.verify(
        damaging.CASE, "gradient", "torch_damages,torch_innocent_after", dtypes=("float64",), tier="full",
        adapter="damaging_adapter", jobs=1,
    )  # fmt: skip
    outcomes = {one.implementation: (str(one.outcome), one.reason) for one in found}
    assert outcomes["torch_innocent_after"] == ("agrees", None)
    assert outcomes["torch_damages"][0] == "mutated_state"


def test_a_host_is_told_as_well_and_a_second_try_does_not_hide_it(monkeypatch):
    """Below the full tier what fails under jit is tried again: by then the damage is there before and after."""
    honest = _execute.execute

    def execute(*arguments, **options):
        np.seterr(under="raise")
        return honest(*arguments, **options)

    monkeypatch.setattr(_execute, "execute", execute)
    before = np.geterr()
    try:
        found = work((Cell("linear_gaussian", "gradient", "jax_grad_jit", "float64", "cpu"), Settings()))
    finally:
        np.seterr(**before)
    assert (found.outcome, "NumPy's error state" in found.reason) == ("mutated_state", True)


def test_words_name_what_was_and_what_is():
    before = Fingerprint()
    assert before.changed() == ""
    umask = os.umask(0o027)
    try:
        assert before.changed() == f"the process's umask (was {umask}, is 23)"
    finally:
        os.umask(umask)
    assert before.changed() == ""


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.what)
def test_everything_that_is_to_be_read_can_be_read(reading):
    assert "state cannot be read" not in reading.read()
