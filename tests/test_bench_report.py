"""What is made of a benchmark's file: growth, decisions, comparisons, the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from benching import bench, cell, measured

from xcheck._errors import StoreError, UsageError
from xcheck._lazy import installed
from xcheck.bench.compare import changes
from xcheck.bench.decide import decisions
from xcheck.bench.ready import candidates
from xcheck.bench.run import Settings, measure, selections
from xcheck.bench.scaling import crossings, curves
from xcheck.bench.schema import Bench, Group, load, save
from xcheck.bench.tables import COMPILED, MID, TABLES, table
from xcheck.cli import main
from xcheck.quantities import load_quantities
from xcheck.report.bench_decisions import BEGIN, END, write_decisions
from xcheck.report.bench_terminal import print_bench
from xcheck.report.terminal import console
from xcheck.result import Outcome

WRONG = cell("torch_wrong", 1e-5, Outcome.DISAGREES, reason="equals 2 x the reference")


def test_the_fastest_right_way_is_decided_for_each_framework() -> None:
    (one,) = decisions([measured(cell("torch_a", 2e-3), cell("torch_b", 1e-3), cell("jax_c_jit", 1.005e-3), WRONG)])
    assert one.winner.implementation == "torch_b"
    assert {name: best.implementation for name, best in one.best.items() if best} == {
        "torch": "torch_b", "jax": "jax_c_jit"
    }  # fmt: skip
    assert one.tied == ("jax_c_jit",)
    assert decisions([measured(WRONG)]) == []


def scaled() -> list:
    sizes = [2**k for k in range(6)]
    return [
        measured(cell("torch_square", 1e-6 * n**2), cell("jax_line_jit", 8e-6 * n), table="scaling_n", n=n)
        for n in sizes
    ]


def test_exponents_and_the_crossing_are_found() -> None:
    found = {curve.implementation: curve for curve in curves(scaled())}
    assert {name: round(one.law.exponent.median, 6) for name, one in found.items()} == {
        "torch_square": 2.0, "jax_line_jit": 1.0
    }  # fmt: skip
    blurred = [replace(one, low=0 * one.low, high=1 + one.high) for one in found.values()]
    assert crossings(blurred) == []
    (one,) = crossings(found.values())
    assert (one.first, one.second) == ("torch_square", "jax_line_jit")
    assert (round(one.measured, 6), round(one.predicted, 6)) == (8.0, 8.0)


def test_a_regression_is_found_and_an_equal_run_is_none() -> None:
    old = bench(measured(cell("torch_a", 1e-3), cell("torch_b", 1e-3)))
    new = bench(measured(cell("torch_a", 1e-3), cell("torch_b", 1.5e-3)))
    slower = {change.id.rsplit("/", 1)[1]: change.slower(1.25) for change in changes(old, new)}
    assert slower == {"torch_a": False, "torch_b": True}


def test_the_file_keeps_everything_and_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    made = bench(measured(cell("torch_a", 1e-3), WRONG))
    save(made, path)
    assert load(path) == made
    path.write_text(path.read_text().replace("xcheck.bench/1", "xcheck.bench/0"))
    with pytest.raises(StoreError, match=r"expected 'xcheck\.bench/1'"):
        load(path)
    path.write_text("{}{")
    with pytest.raises(StoreError, match="no file of xcheck bench"):
        load(path)
    with pytest.raises(StoreError, match="cannot read"):
        load(tmp_path / "none.json")


def test_forward_and_reverse_cross_where_outputs_equal_inputs() -> None:
    """Forward costs as inputs, reverse as outputs; 4096 weights in every layer but the single example's."""
    layers = [
        msgspec.structs.replace(
            measured(cell("torch_jacfwd", 1e-6 * d), cell("torch_jacrev", 4096e-6 / d), table="modes"),
            group=Group(case=f"tanh_layer_{d}_{4096 // d}", quantity="jacobian_inputs"),
            sizes={"n": n, "c": 4096 // d, "d": d, "p": 4096},
        )
        for d, n in [(512, 16), (256, 16), (128, 16), (32, 16), (16, 16), (8, 16), (16, 1)]
    ]
    found = curves(layers)
    assert {curve.implementation: round(curve.law.exponent.median, 6) for curve in found} == {
        "torch_jacfwd": -0.5, "torch_jacrev": 0.5
    }  # fmt: skip
    (one,) = crossings(found)
    assert (one.axis, one.first, one.second) == ("c / d", "torch_jacrev", "torch_jacfwd")
    assert (round(one.measured, 6), round(one.predicted, 6)) == (1.0, 1.0)


@pytest.mark.skipif(not installed("matplotlib"), reason="pictures need the extra 'report'")
def test_the_page_opens_offline_and_marks_what_is_wrong() -> None:
    from xcheck.report.bench_page import page

    text = page(bench(measured(cell("torch_a", 1e-3), WRONG), *scaled()))
    assert text.count("<svg") == 2
    for remote in ("src=", "<link", "@import", "url(http"):
        assert remote not in text
    assert "disagrees: equals 2 x the reference" in text
    assert "Which should I use?" in text


def test_the_decision_table_is_written_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_decisions(bench(measured(cell("torch_a", 1e-3), cell("torch_b", 2e-3), WRONG)), page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| 2 | **`torch_a` 1 ms** |" in text  # of two right ways, the third is wrong
    assert "old" not in text
    page.write_text("nothing")
    with pytest.raises(UsageError, match="no lines"):
        write_decisions(bench(), page)


def test_every_table_names_its_groups_and_globs_narrow_them() -> None:
    for name in TABLES:
        assert table(name).selections
    (one,) = selections(Settings(tables=("products",), quantity="hvp"))
    assert one.group.id == "tanh_mlp/hvp/float32/cpu/1"
    with pytest.raises(UsageError, match="no group of products"):
        selections(Settings(tables=("products",), case="nobody"))


def test_on_cuda_float32_brings_tf32_and_eager_ways_their_cuda_graph() -> None:
    load_quantities()
    chosen = selections(Settings(tables=("linear",), devices=("cpu", "cuda")))
    assert [one.group.id.removeprefix("linear_gaussian/ggn/") for one in chosen] == [
        "float32/cpu/1", "float32/cuda/1", "tf32/cuda/1"
    ]  # fmt: skip
    assert len(selections(Settings(tables=("linear",), devices=("cuda",), dtypes=("float32", "tf32")))) == 2
    graphed = {name for name in candidates("ggn", "cuda") if name.endswith("_cudagraph")}
    assert "torch_jacobian_cudagraph" in graphed
    assert all(chosen[1].takes(name) for name in graphed)
    assert not graphed & set(candidates("ggn", "cpu"))


def test_the_layerwise_table_has_the_libraries_and_compiled_autograd() -> None:
    load_quantities()
    for one in table("layerwise").selections:
        names = [name for name in candidates(one.group.quantity, one.group.device) if one.takes(name)]
        compiled = [name for name in names if name.endswith("_compile")]
        hopeless = (one.group.case, one.group.quantity) == (MID, "hessian_diagonal")
        assert compiled == ([] if hopeless else [COMPILED[one.group.quantity]])
        assert {"torch_layerwise", "torch_backpack"} <= set(names) or one.group.quantity not in ("ggn_diagonal", "hvp")


def test_an_absent_library_is_a_stated_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = next(one for one in table("layerwise").selections if one.group.quantity == "ggn_diagonal")
    monkeypatch.setattr("xcheck.bench.run.missing_package", lambda one: f"{one.name} is not installed")
    line = measure(group, Settings(implementation="torch_backpack"), str(tmp_path), Bench())
    assert [(cell.implementation, cell.outcome.value) for cell in line.measured.cells] == [
        ("torch_backpack", "unsupported")
    ]
    assert "torch_backpack is not installed" in (line.note or "")


def test_the_command_fails_on_a_regression_and_on_an_impossible_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(cells: list, *options: str) -> int:
        save(bench(measured(*cells)), tmp_path / "new.json")
        return main(["bench", "--read", f"{tmp_path}/new.json", "--html", f"{tmp_path}/page.html", *options])

    old = [cell("torch_a", 1e-3), cell("torch_b", 1e-3)]
    save(bench(measured(*old)), tmp_path / "old.json")
    compare = ("--compare", f"{tmp_path}/old.json")
    assert run(old, *compare) == 0
    assert run([old[0], cell("torch_b", 2e-3)], *compare) == 1
    assert "slower" in capsys.readouterr().out
    assert run([old[0], cell("torch_b", 2e-3)], *compare, "--threshold", "3") == 0
    assert run([old[0], cell("torch_b", 1e-9, reason="faster than the machine can be")]) == 1
    assert "faster than the machine can be" in capsys.readouterr().out


def test_the_terminal_ranks_what_is_right_and_names_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    absent = cell("torch_absent", 1.0, Outcome.UNSUPPORTED, reason="needs a package")
    print_bench(bench(measured(cell("torch_a", 1e-3), WRONG, absent), *scaled()), console())
    said = capsys.readouterr().out
    assert said.index("torch_a") < said.index("torch_wrong")
    assert "disagrees: equals 2 x the reference" in said
    assert "unsupported: torch_absent" in said
    assert "n = 8" in said


def test_bad_usage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "netwrks"]) == 2
    assert "did you mean 'networks'?" in capsys.readouterr().err
    assert main(["bench", "--read", "nowhere.json"]) == 2
    assert "cannot read nowhere.json" in capsys.readouterr().err
