"""A fresh process that judges cells, or times them in interleaved rounds; request and answer are JSON.

Affinity and thread variables are set before any framework is imported: later, neither heeds them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from xcheck._errors import XCheckError
from xcheck.bench.schema import Cell, Group

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NPROC")


class Request(msgspec.Struct, kw_only=True):
    """`trial` judges implementations one by one, `rounds` times them against the baseline, `selfcheck` checks us.

    `memory` is in MB; `scratch` is a folder that the processes of one run share; `place` says which of the machine's
    cores it is bound to, in units of the group's threads; `pairs` is for the selfcheck.
    """

    task: str
    group: Group
    implementations: list[str] = []
    baseline: str = ""
    budget: float = 10.0
    seed: int = 0
    memory: int = 8192
    scratch: str
    place: int = 0
    pairs: int = 0


class Block(msgspec.Struct, kw_only=True):
    """The samples of one body, as `rounds.Samples` has them."""

    repeat: int
    rounds: list[int]
    wall: list[float]
    cpu: list[float]
    faults: list[float]
    raised: str = ""


class Finding(msgspec.Struct, frozen=True):
    """One check of the harness itself: what was found, and whether it passed."""

    name: str
    passed: bool
    text: str


class Answer(msgspec.Struct, kw_only=True):
    """What a child found; `facts` are what timings depend on: libraries, threads, flags."""

    cells: list[Cell] = []
    blocks: dict[str, Block] = {}
    settled: bool = False
    facts: dict[str, Any] = {}
    findings: list[Finding] = []


class Lost(XCheckError):
    """A child that gave no answer; `timed_out`, or it crashed."""

    def __init__(self, reason: str, *, timed_out: bool) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


def ask(request: Request, seconds: float) -> Answer:
    """The answer of a fresh process.

    Raises:
        Lost: it crashed, or took longer than `seconds`.
    """
    with tempfile.TemporaryDirectory(prefix="xcheck-") as folder:
        answer = Path(folder) / "answer.json"
        environment = {**os.environ, **dict.fromkeys(THREADS, str(request.group.threads))}
        # Caches that outlive a run would make compilation look cheap.
        environment |= {"TORCHINDUCTOR_CACHE_DIR": str(Path(request.scratch) / "inductor")}
        try:
            done = subprocess.run(
                [sys.executable, "-m", "xcheck.bench.child", str(answer)], input=msgspec.json.encode(request),
                capture_output=True, timeout=seconds, env=environment, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Lost(f"no answer within {seconds:.0f} s", timed_out=True) from None
        if done.returncode or not answer.exists():
            last = (done.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
            raise Lost(f"the process ended with code {done.returncode}: {last}", timed_out=False)
        return msgspec.json.decode(answer.read_bytes(), type=Answer)


def main() -> None:
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    if hasattr(os, "sched_setaffinity"):
        first = request.place * request.group.threads
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[first : first + request.group.threads])
    from xcheck.bench import measure, selfcheck, trial

    tasks = {"trial": trial.trial, "rounds": measure.rounds, "selfcheck": selfcheck.findings}
    Path(sys.argv[1]).write_bytes(msgspec.json.encode(tasks[request.task](request)))


if __name__ == "__main__":
    main()
