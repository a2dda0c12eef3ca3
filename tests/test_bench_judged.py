"""A result is judged before it is timed; what is wrong, impossible or lost is said and never ranked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from benching import cell, measured

import xcheck
from xcheck._lazy import installed
from xcheck._problem import Problem, problem
from xcheck.bench import measure
from xcheck.bench.ask import Lost, ask
from xcheck.bench.combine import combine
from xcheck.bench.messages import Answer, Block, Request
from xcheck.bench.networks import network, sizes
from xcheck.bench.ready import Ready, arithmetic
from xcheck.bench.roof import MOST_FILL
from xcheck.bench.run import Settings, bench
from xcheck.bench.sampled import Sample
from xcheck.bench.schema import Group
from xcheck.bench.trial import try_one
from xcheck.exact.derivatives import streamed
from xcheck.libraries._torch import data, flat, loader, module, ragged
from xcheck.quantities import load_quantities
from xcheck.quantity import Implementation, implementations
from xcheck.result import Convention, Outcome

GROUP = Group(case="mlp_3_4_2_n5", quantity="gradient", dtype="float64")


@pytest.mark.parametrize(
    "quantity", ["value", "gradient", "hvp", "ggn_diagonal", "ggn_diagonal_backprop", "hessian_diagonal", "ggn"]
)
def test_a_sampled_reference_agrees_with_the_certified_one(quantity: str, tmp_path: Path) -> None:
    case = xcheck.load_cases()["linear_gaussian_3_2"]
    truth = np.asarray(xcheck.reference(case, quantity).value)
    sample = Sample(case, load_quantities()[quantity], "float64", tmp_path)
    assert sample.judge(truth, "float64")
    wrong = truth.copy()
    wrong.flat[0] += 1e-9 * np.abs(truth).max()
    assert sample.judge(wrong, "float64").outcome is Outcome.DISAGREES
    assert sample.judge(truth[:1], "float64").outcome is Outcome.WRONG_SHAPE
    assert sample.judge(truth.astype(np.float32), "float64").outcome is Outcome.WRONG_DTYPE
    assert sample.judge(np.nan * truth, "float64").outcome is Outcome.NOT_FINITE


@pytest.mark.parametrize(
    ("quantity", "convention", "theirs"),
    [
        ("ggn", Convention(scale="1 / (n * r * nll)"), lambda A, order: A * 3 / 2),  # n = 4, r = 1 / 12, nll = 2
        ("ggn", Convention(params="bias_first"), lambda A, order: A[np.ix_(order, order)]),
        ("ggn_diagonal", Convention(scale="c", params="bias_first"), lambda A, order: 3 * A[order]),
        ("jacobian_params", Convention(axes="cnp"), lambda A, order: A.transpose(1, 0, 2)),
    ],
)
def test_a_sampled_reference_knows_the_conventions_of_others(
    quantity: str, convention: Convention, theirs: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    sample = Sample(network("mlp_2_3_n4"), load_quantities()[quantity], "float64", tmp_path)
    ours = sample.reference.value
    assert ours.shape == sample.shape
    found = theirs(ours, np.r_[6:9, :6])  # three biases before six weights
    assert sample.judge(found, "float64", convention)
    assert not sample.judge(found, "float64")
    assert not sample.judge(ours, "float64", convention)


@pytest.mark.parametrize("held", [1, streamed.HELD])
def test_only_some_entries_of_a_large_network_are_looked_at(
    held: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the Jacobian of all parameters would be too large to hold."""
    monkeypatch.setattr(streamed, "HELD", held)
    sample = Sample(network("mlp_8_16_3_n4"), load_quantities()["ggn_diagonal"], "float64", tmp_path)
    assert sample.shape == (195,)
    assert sample.reference.value.shape == (12,)
    again = Sample(network("mlp_8_16_3_n4"), load_quantities()["ggn_diagonal"], "float64", tmp_path)
    assert np.array_equal(sample.reference.value, again.reference.value)


def made(function: object, framework: str = "torch") -> Implementation:
    return Implementation(
        name="torch_ours", quantity="gradient", framework=framework, function=function, prepare=None, needs=(),
        variant="eager", convention=Convention(), limitations=(), samples=None, cases="*", tier="standard",
    )  # fmt: skip


@pytest.mark.skipif(not installed("torch"), reason="the planted faults are written in PyTorch")
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (lambda problem, right: right, Outcome.AGREES),
        (lambda problem, right: 2 * right, Outcome.DISAGREES),
        (lambda problem, right: right[:-1], Outcome.WRONG_SHAPE),
        (lambda problem, right: right.float(), Outcome.WRONG_DTYPE),
        (lambda problem, right: right / 0, Outcome.NOT_FINITE),
        (lambda problem, right: right.nonsense, Outcome.RAISED),
    ],
)
def test_a_planted_fault_is_not_ranked(fault: object, outcome: Outcome, tmp_path: Path) -> None:
    load_quantities()
    right = implementations("gradient")["torch_grad"].function
    found = try_one(GROUP, made(lambda problem: fault(problem, right(problem))), 4096, tmp_path)
    assert found.outcome is outcome
    assert (found.reason is None) is (outcome is Outcome.AGREES)
    if outcome is Outcome.DISAGREES:
        assert re.fullmatch(r"ratio \S+ \(limit 32\), ratio_F \S+ \(limit 32\)", found.reason or "")
    assert found.judged_by == (None if outcome is Outcome.RAISED else "sampled float64 reference")


@pytest.mark.skipif(not installed("torch"), reason="the planted fault is written in PyTorch")
@pytest.mark.parametrize("slow", [0.0, 10.0])
def test_what_a_call_leaves_behind_is_seen_in_a_later_one(
    slow: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is the problem's own: gradients add up in it, as in that of a caller who forgets `zero_grad`."""

    def forgetful(problem: Problem) -> object:
        model, (x, y) = module(problem), (problem.inputs[0], problem.targets)
        problem.loss_module(model(x), y).backward()
        calls.append(problem)
        return flat(p.grad for p in model.parameters())

    calls: list[Problem] = []
    monkeypatch.setattr("xcheck.bench.trial.SLOW", slow)
    found = try_one(GROUP, made(forgetful), 4096, tmp_path)
    assert found.outcome is Outcome.DISAGREES
    assert (found.reason or "").startswith("at a later call: ")
    assert len(calls) == (3 if slow else 2)


@pytest.mark.skipif(not installed("torch"), reason="libraries of PyTorch")
def test_libraries_are_timed_on_the_model_itself_and_on_whole_batches() -> None:
    case = network("mlp_3_4_2_n5")
    one = problem(case, "gradient", "torch", dtype="float64")
    assert module(one) is not one.module
    assert [len(x) for x, _ in loader(one)] == [ragged(one), 5 - ragged(one)] == [3, 2]
    with arithmetic(GROUP, ("torch",)):
        assert module(one) is one.module
        ((x, y),) = loader(one)
        assert x.equal(one.inputs[0])
        assert y.equal(one.targets)
        assert len(data(one, ragged(one))) == 1


def block(*wall: float) -> Block:
    return Block(repeat=1, rounds=list(range(len(wall))), wall=list(wall), cpu=list(wall), faults=[0.0] * len(wall))


def test_faster_than_the_machine_can_be_is_an_error() -> None:
    case, quantity = network("mlp_64_256_256_10_n128"), load_quantities()["hvp"]
    one = measured(cell("torch_right", 1.0), cell("jax_unwaited", 1.0))
    blocks = {"torch_right": block(0.01, 0.01), "jax_unwaited": block(1e-6, 1e-6)}
    blocks |= {"roof/gemm": block(2e-3, 2e-3), "roof/fill": block(1e-4, 1e-4)}
    combine(one, [Answer(blocks=blocks)], quantity, sizes(case, "float32"))
    right, unwaited = one.cells
    assert right.ranked
    assert not unwaited.ranked
    assert "faster than the machine can be" in (unwaited.reason or "")
    assert [c.implementation for c in one.ranking] == ["torch_right"]


def test_what_is_streamed_past_the_caches_may_be_faster_than_a_fill() -> None:
    case, quantity = network("mlp_64_256_256_10_n128"), load_quantities()["jacobian_params"]
    ways = {"torch_fill": 1.0, "torch_streamed": 0.6, "torch_unwaited": 0.4}
    one = measured(*(cell(name, 1.0) for name in ways))
    fill = MOST_FILL / quantity.bytes(sizes(case, "float32"))  # of which the result is so many
    blocks = {name: block(share, share) for name, share in ways.items()}
    blocks |= {"roof/gemm": block(2e-3, 2e-3), "roof/fill": block(fill, fill)}
    combine(one, [Answer(blocks=blocks)], quantity, sizes(case, "float32"))
    assert [c.implementation for c in one.cells if c.ranked] == ["torch_fill", "torch_streamed"]
    assert [round(c.fraction or 0.0, 2) for c in one.cells] == [0.5, 0.83, 1.25]


def test_a_lost_child_says_why(tmp_path: Path) -> None:
    request = Request(task="nonsense", group=GROUP, scratch=str(tmp_path))
    with pytest.raises(Lost, match="KeyError") as lost:
        ask(request, 60)
    assert not lost.value.timed_out
    with pytest.raises(Lost, match="no answer within") as lost:
        ask(msgspec.structs.replace(request, task="selfcheck", pairs=10**6), 0.5)
    assert lost.value.timed_out


@pytest.mark.skipif(not installed("torch"), reason="measures a PyTorch implementation")
@pytest.mark.parametrize("ready", [False, True], ids=["when made ready", "in the rounds"])
def test_who_raises_beside_others_loses_its_own_cell_only(
    ready: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usual, calls = measure.make_ready, []

    def fails(k: int) -> None:
        raise ValueError("hooked by another library")

    def make_ready(group: Group, one: Implementation) -> Ready:
        if one.name != "torch_layerwise":
            return usual(group, one)
        calls.append(one.name)
        if not ready:
            fails(0)
        found = usual(group, one)
        return replace(found, body=replace(found.body, launch=fails))

    monkeypatch.setattr(measure, "make_ready", make_ready)
    group = Group(case="mlp_3_4_2_n5", quantity="hvp", dtype="float32")
    names = ["torch_double_backward", "torch_layerwise"]
    answer = measure.rounds(
        Request(task="rounds", group=group, implementations=names, baseline=names[0], budget=0.1, scratch=str(tmp_path))
    )
    one = measured(cell(names[0], 1.0, again=0.1), cell(names[1], 1.0, again=0.1))
    combine(one, [answer], load_quantities()["hvp"], sizes(network(group.case), group.dtype))
    kept, lost = one.cells
    assert calls == ["torch_layerwise"]
    assert (kept.outcome, kept.rounds > 0) == (Outcome.AGREES, True)
    assert (lost.outcome, lost.reason) == (
        Outcome.RAISED, "beside the others of its group: ValueError: hooked by another library"
    )  # fmt: skip
    assert one.ranking == [kept]


@pytest.mark.skipif(not installed("torch"), reason="measures a PyTorch implementation")
def test_one_group_from_the_plan_to_the_file(tmp_path: Path) -> None:
    settings = Settings(
        tables=("scaling",), case="mlp_64_64_64_10_n8", quantity="hvp", implementation="torch_double_backward",
        budget=0.2, apart=False,
    )  # fmt: skip
    (one,) = bench(settings, tmp_path / "bench.jsonl").groups
    (only,) = one.ranking
    assert (one.baseline, only.implementation, only.judged_by) == (
        "torch_double_backward", "torch_double_backward", "sampled float64 reference"
    )  # fmt: skip
    assert (only.ratio.median, only.result_bytes) == (1.0, 4 * one.sizes["p"])
    assert only.fraction is not None
    assert 0 < only.fraction < 1
    assert only.rounds >= 5
    assert (tmp_path / "bench.jsonl").read_bytes().endswith(b'{"finished":true}\n')
