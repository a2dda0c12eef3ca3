"""No test sees what another one registered, in whatever order they run in one process."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from registries import restored
from right.programs import program
from right.study import choice
from torch import nn

from xcheck import _problem, implements, layerwise
from xcheck.layerwise import _registry
from xcheck.quantities import load_quantities
from xcheck.quantity import implementations


@pytest.mark.parametrize("turn", [1, 2])
def test_a_name_is_free_again_in_the_next_test(turn: int) -> None:
    implements("gradient", "of_one_test", "torch")(lambda problem: turn)
    assert implementations("gradient")["torch_of_one_test"].function(None) == turn


def test_an_adapter_registers_again_where_it_is_imported_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some_adapter.py").write_text(
        "import xcheck\n\n@xcheck.implements('gradient', 'of_a_file', 'torch')\ndef of_a_file(problem):\n    ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for _ in range(2):
        with restored():
            importlib.import_module("some_adapter")
            assert "torch_of_a_file" in implementations("gradient")
        assert "torch_of_a_file" not in implementations("gradient")
        assert "some_adapter" not in sys.modules


def test_a_layer_that_a_test_replaces_is_put_back() -> None:
    before = _registry.find(nn.Tanh())
    with restored():

        @layerwise.register(nn.Tanh)
        class Other(layerwise.Layer):
            """Says nothing."""

        assert _registry.find(nn.Tanh()) is Other
    assert _registry.find(nn.Tanh()) is before


def test_what_the_package_registers_stays() -> None:
    """In a process of its own, where nothing is imported yet; case files register closed forms, and load once."""
    script = "from registries import restored\nimport xcheck\nfrom xcheck.quantity import implementations\n"
    script += "with restored():\n    import xcheck.libraries.layerwise\n    xcheck.load_cases()\n"
    script += "print('torch_layerwise' in implementations('gradient'), "
    script += "'torch_closed_form_linear' in implementations('ggn'))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]


def test_the_study_of_right_results_asks_for_our_own_ways_only() -> None:
    load_quantities()
    problem = _problem.problem(program(4).case(0), "gradient", "torch")
    before = [choice(problem, "gradient", turn).name for turn in range(40)]

    @implements("gradient", "of_someone_else", "torch")
    def wrong(problem):
        raise AssertionError("must not be called")

    assert [choice(problem, "gradient", turn).name for turn in range(40)] == before
