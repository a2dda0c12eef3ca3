"""The processes that a group is given: trials side by side on cores of their own, then rounds alone."""

from __future__ import annotations

import threading
from pathlib import Path
from time import sleep

import pytest

import xcheck.bench.run as run
from xcheck.bench.ask import Lost
from xcheck.bench.messages import Answer, Block, Request
from xcheck.bench.schema import Cell
from xcheck.result import Outcome

WAYS = "torch_double_backward,jax_forward_over_reverse_jit,torch_layerwise"


class Children:
    """Answers like processes would, and remembers who was at work beside whom."""

    def __init__(self, lost: str = "", again: dict[str, float] | None = None) -> None:
        self.lost, self.again, self.lock = lost, again or {}, threading.Lock()
        self.at_work: list[Request] = []
        self.most, self.rounds = 0, 0
        self.timed: list[str] = []

    def ask(self, request: Request, seconds: float) -> Answer:
        with self.lock:
            assert request.place not in [other.place for other in self.at_work], "two processes on one core"
            assert request.task == "trial" or not self.at_work, "rounds beside another process"
            self.at_work.append(request)
            self.most = max(self.most, len(self.at_work))
        sleep(0.05)
        with self.lock:
            self.at_work.remove(request)
        if request.task == "rounds":
            self.rounds += 1
            self.timed = request.implementations
            block = Block(repeat=1, rounds=[0, 1], wall=[1.0, 1.0], cpu=[1.0, 1.0], faults=[0.0, 0.0])
            return Answer(blocks=dict.fromkeys([*request.implementations, "roof/gemm", "roof/fill"], block))
        (name,) = request.implementations
        if name == self.lost:
            raise Lost("no answer within 1 s", timed_out=True)
        cell = Cell(
            implementation=name, framework=name.split("_")[0], variant="eager", outcome=Outcome.AGREES,
            again=self.again.get(name, 0.1),
        )  # fmt: skip
        return Answer(cells=[cell])


def measured(monkeypatch: pytest.MonkeyPatch, children: Children, table: str, case: str) -> dict[str, Outcome]:
    monkeypatch.setattr(run, "ask", children.ask)
    monkeypatch.setattr(run, "cores", lambda: 2)
    settings = run.Settings(tables=(table,), case=case, quantity="hvp", implementation=WAYS, processes=3)
    (group,) = run.bench(settings).groups
    return {cell.implementation: cell.outcome for cell in group.cells}


@pytest.mark.parametrize(
    ("table", "case", "processes"), [("products", "tanh_mlp", 3), ("scaling", "mlp_64_16_16_10_n32", 1)]
)
def test_trials_have_cores_of_their_own_and_rounds_the_machine(
    monkeypatch: pytest.MonkeyPatch, table: str, case: str, processes: int
) -> None:
    children = Children()
    found = measured(monkeypatch, children, table, case)
    assert sorted(found) == sorted(WAYS.split(","))
    assert (children.most, children.rounds) == (2, processes)


def test_a_trial_that_is_lost_costs_one_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(monkeypatch, Children(lost="torch_layerwise"), "products", "tanh_mlp")
    assert found.pop("torch_layerwise") is Outcome.TIMED_OUT
    assert set(found.values()) == {Outcome.AGREES}


def test_where_nobody_answers_the_note_says_who_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "ask", Children(lost="torch_layerwise").ask)
    settings = run.Settings(tables=("products",), case="tanh_mlp", quantity="hvp", implementation="torch_layerwise")
    assert run.bench(settings).notes == [
        "nothing to time in tanh_mlp/hvp/float32/cpu/1: torch_layerwise: no answer within 1 s"
    ]


def test_where_every_call_is_long_those_that_may_be_the_fastest_have_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, slower, fastest = WAYS.split(",")
    children = Children(again={slow: 50.0, slower: 61.0, fastest: 30.0})
    measured(monkeypatch, children, "products", "tanh_mlp")
    assert set(children.timed) == {slow, fastest}
    children = Children(again={slow: 50.0, slower: 61.0})
    measured(monkeypatch, children, "products", "tanh_mlp")
    assert children.timed == [fastest]


def test_rounds_leave_what_they_compiled_to_the_next_process(tmp_path: Path) -> None:
    """The programs of JAX are in the shared folder once a group was timed."""
    group = run.table("linear").selections[0].group
    run.ask(
        Request(task="rounds", group=group, implementations=["jax_jacobian_jit"], baseline="jax_jacobian_jit",
                budget=0.1, scratch=str(tmp_path)),
        120,
    )  # fmt: skip
    assert any("jit_" in path.name for path in (tmp_path / "compiled").iterdir())
