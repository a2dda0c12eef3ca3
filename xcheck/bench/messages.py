"""What a process of the bench is asked, and what it answers; both travel as JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from xcheck.bench.schema import Cell, Group


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
