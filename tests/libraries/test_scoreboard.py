"""The scoreboard: its file, its page, what was not run, and adapters that import nothing before they are asked."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from xcheck import libraries
from xcheck.quantities import load_quantities
from xcheck.quantity import implementations
from xcheck.report.findings import findings
from xcheck.report.libraries import page
from xcheck.result import Convention, Explanation, Limitation, Outcome, Result
from xcheck.run.libraries import Library, Scoreboard, added, library_of, look
from xcheck.run.settle import settle

PACKAGE = Path(libraries.__file__).parent
#: Our own engine has an adapter too, and is no other library.
OTHERS = [path for path in PACKAGE.glob("[a-z]*.py") if path.stem != "layerwise"]


def result(library: str, outcome: str, case: str = "tanh_mlp", **more: Any) -> Result:
    name = f"{case}/ggn/torch_it/float64/cpu"
    return Result(
        id=name, case=case, quantity="ggn", implementation=f"torch_{library}",
        framework="torch", dtype="float64", device="cpu", outcome=Outcome(outcome),
        reproduce=f"xcheck explain {name} --adapter xcheck.libraries.{library}", **more,
    )  # fmt: skip


def library(name: str, **more: Any) -> Library:
    return Library(name=name, distribution=name, **{"version": "1.0", "not_run": None, **more})


LEAVES = {"ggn": "changed: weight.grad, hooks", "hvp": "changed: hooks", "vjp": "raised TypeError"}
BOARD = Scoreboard(
    results=[
        result("backpack", "agrees", ratio=1.5, convention=Convention(scale="2")),
        result("hessian", "disagrees", diagnosis=[Explanation("sign", None, "has the opposite sign")]),
        result("hessian_eigenthings", "agrees", ratio=0.5),
    ],
    libraries=[
        library("backpack"), library("hessian", leaves=LEAVES), library("hessian_eigenthings"),
        library("nnj", version=None, not_run="ModuleNotFoundError: No module named 'nnj'"),
    ],
)  # fmt: skip


def test_the_page_tells_outcomes_conventions_findings_and_what_was_not_run():
    text = page(BOARD)
    for line in (
        "| backpack | 1.0 | 1 of 1 |  | nothing |",
        "| hessian | 1.0 | 0 of 1 | 1 disagrees | weight.grad; hooks |",
        "| nnj |  | not run | ModuleNotFoundError: No module named 'nnj' |  |",
        "| ggn | torch_backpack | 1 agrees | 1.5 | scale=2 |  |",
        "| ggn | torch_hessian | 1 disagrees |  |  | [1](#hessian-1) |",
        '| <a id="hessian-1"></a>1 | has the opposite sign | silent | 1 disagrees | ggn (torch_hessian) '
        "| `xcheck explain tanh_mlp/ggn/torch_it/float64/cpu --adapter xcheck.libraries.hessian` | not declared |",
    ):
        assert line in text, text


def known(reason: str, link: str, outcome: str, case: str = "tanh_mlp", **more: Any) -> Result:
    return result("asdl", "known_limitation", case, limitation=Limitation(reason, link, outcome=outcome), **more)


#: The same gap as a wrong number and as an error; a larger wrong number; and one that is only loud.
RUNS_INTO = [
    known("an attribute is never set", "docs/findings.md#12", "raised"),
    known("a layer that is used twice", "docs/findings.md#2", "raised", "residual", ratio="inf"),
    known("a layer that is used twice", "docs/findings.md#2", "disagrees", "tanh_mlp", ratio=1e6),
    known("a layer that is used twice", "docs/findings.md#2", "disagrees", "relu", ratio=1e3),
    known("a token that occurs twice", "https://example.org/4", "disagrees", ratio="inf"),
    known("a row too many", "docs/findings.md#what-is-left-out", "wrong_shape"),
    result("asdl", "agrees", ratio=1.0),
]
SIZES = {"tanh_mlp": 141000, "relu": 558, "residual": 438}


def test_findings_are_told_once_silent_before_loud_and_large_before_small():
    found = findings(RUNS_INTO)
    assert [(one.reason, one.loudness) for one in found] == [
        ("a token that occurs twice", "silent"), ("a layer that is used twice", "silent"),
        ("a row too many", "visible"), ("an attribute is never set", "loud"),
    ]  # fmt: skip
    assert [sum(one.outcomes.values()) for one in found] == [1, 3, 1, 1]
    assert found[1].ratio == 1e6


def test_an_undeclared_error_is_one_finding_wherever_its_objects_lie():
    raised = [result("asdl", "raised", case, reason=f"raised <A object at 0x7f{case}>") for case in ("00ab", "01cd")]
    (one,) = findings(raised)
    assert (one.reason, one.link, len(one.cells)) == ("raised <A>", "", 2)


def test_the_smallest_cell_shows_a_finding():
    (twice,) = (one for one in findings(RUNS_INTO) if one.reason == "a layer that is used twice")
    assert twice.smallest(SIZES).case == "residual"
    assert twice.smallest({**SIZES, "relu": 1}).case == "relu"
    # of two cells of one size the one that nobody sees
    assert twice.smallest({**SIZES, "residual": 558}).case == "relu"


def test_the_page_links_functions_to_findings_and_findings_to_their_story():
    text = page(Scoreboard(results=RUNS_INTO, libraries=[library("asdl")], sizes=SIZES))
    for part in (
        "| [1](#asdl-1), [2](#asdl-2), [3](#asdl-3), [4](#asdl-4) |",
        '<a id="asdl-2"></a>2 | a layer that is used twice | silent | 2 disagrees, 1 raised, ratio 1e+06 |',
        "[finding 2](findings.md#2)", "[upstream](https://example.org/4)", "[finding](findings.md#what-is-left-out)",
    ):  # fmt: skip
        assert part in text, text


def test_a_known_limitation_says_which():
    limitation = Limitation("no rule", "https://example.org", outcome="raised")
    assert settle(result("asdl", "raised"), [Limitation("other", "x"), limitation]).limitation == limitation
    assert settle(result("asdl", "agrees"), [limitation]).limitation is None


def test_the_file_gives_the_page_again():
    read = msgspec.json.decode(msgspec.json.encode(BOARD), type=Scoreboard)
    assert page(read) == page(BOARD)


def outcomes(board: Scoreboard) -> list[tuple[str | None, str, str]]:
    return sorted((library_of(one), one.case, str(one.outcome)) for one in board.results)


def test_adding_a_library_of_another_version_replaces_all_that_it_had():
    new = Scoreboard(
        results=[result("hessian", "agrees", case="residual")], libraries=[library("hessian", version="2")]
    )
    both = added(BOARD, new)
    assert outcomes(both) == [
        ("backpack", "tanh_mlp", "agrees"), ("hessian", "residual", "agrees"),
        ("hessian_eigenthings", "tanh_mlp", "agrees"),
    ]  # fmt: skip
    assert {one.name: one.version for one in both.libraries}["hessian"] == "2"


def test_adding_cells_keeps_those_that_were_not_run_again():
    cells = [result("hessian", "agrees"), result("hessian", "raised", case="residual")]
    both = added(BOARD, Scoreboard(results=cells, libraries=[library("hessian")]))
    assert [one for one in outcomes(both) if one[0] == "hessian"] == [
        ("hessian", "residual", "raised"), ("hessian", "tanh_mlp", "agrees"),
    ]  # fmt: skip


def test_a_library_that_ran_elsewhere_stays():
    missing = library("hessian", version=None, not_run="ModuleNotFoundError: No module named 'hessian'")
    both = added(BOARD, Scoreboard(results=[result("hessian", "unsupported")], libraries=[missing]))
    assert outcomes(both) == outcomes(BOARD)
    assert {one.name: one.not_run for one in both.libraries}["hessian"] is None


def test_a_library_that_is_not_there_is_not_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(libraries.LIBRARIES, "backpack", ("no_such_library", "no-such-library"))
    reason, leaves = look("backpack")
    assert reason is not None
    assert reason.startswith("ModuleNotFoundError")
    assert leaves == {}


FAULTY = """
import torch
from xcheck import implements
from xcheck.libraries._torch import module

@implements("gradient", "untidy", "torch", needs=("module",))
def untidy(problem):
    model = module(problem)
    model.eval()
    return torch.autograd.grad(problem.objective(problem.theta.requires_grad_()), problem.theta)[0]
"""


def test_what_a_library_leaves_behind_is_seen(tmp_path: Path):
    (tmp_path / "untidy.py").write_text(FAULTY)
    script = "import sys; sys.path.insert(0, '.'); import untidy; sys.modules['xcheck.libraries.untidy'] = untidy; "
    script += "untidy.untidy.__module__ = 'xcheck.libraries.untidy'; from xcheck import libraries; "
    script += "libraries.LIBRARIES['untidy'] = ('torch', 'torch'); from xcheck.run.libraries import look; "
    script += "print(look('untidy'))"
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parents[1]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, env=env)
    assert done.stdout.strip() == "(None, {'gradient/torch_untidy': 'changed: module.training'})", done.stderr


def test_adapters_register_without_their_libraries():
    script = "import sys, xcheck.libraries as l; l.load_adapters(); "
    script += "print(sorted({m for m, _ in l.LIBRARIES.values()} & set(sys.modules)), 'jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False"


def test_every_adapter_registers_something():
    libraries.load_adapters()
    registered = {
        one.module.rpartition(".")[2] for quantity in load_quantities() for one in implementations(quantity).values()
    }
    assert set(libraries.LIBRARIES) <= registered
    assert {path.stem for path in OTHERS} == set(libraries.LIBRARIES)


@pytest.mark.parametrize("path", sorted(OTHERS), ids=lambda path: path.stem)
def test_an_adapter_states_its_source_and_stays_small(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    # Beside its docstrings: counted with them, they would be written as comments.
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.Module) and ast.get_docstring(node):
            node.body = node.body[1:]
    assert len([line for line in ast.unparse(tree).splitlines() if line.strip()]) <= 48


def test_a_killed_run_goes_on_from_its_journal(tmp_path: Path):
    line = [
        sys.executable,
        "-m",
        "xcheck",
        "libraries",
        "autograd",
        "--case",
        "scalar_powers",
        "--tier",
        "full",
        "-j",
        "1",
    ]
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parents[1]), "OMP_NUM_THREADS": "1"}
    first = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=env, check=True)
    journal = tmp_path / "reports" / "libraries.jsonl"
    head, *results, _ = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join([head, *results[:3]]))
    again = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=env, check=True)
    assert f"3 of {len(results)} results taken over" in again.stderr
    assert again.stdout == first.stdout
