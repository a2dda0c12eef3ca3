"""combine: the samples of one or several processes as medians, paired ratios and distances to the limit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xcheck.bench.messages import Answer, Block
from xcheck.bench.roof import roof, too_fast
from xcheck.bench.rounds import Samples, paired
from xcheck.bench.schema import Cell, Estimate, Measured
from xcheck.bench.statistics import estimate
from xcheck.quantity import Quantity, Sizes
from xcheck.result import Outcome


def combine(measured: Measured, answers: Sequence[Answer], quantity: Quantity, sizes: Sizes) -> None:
    """Fills in what the rounds of each process say of the group's cells."""
    assert measured.baseline is not None
    processes = [{name: _samples(block) for name, block in answer.blocks.items()} for answer in answers]
    measured.settled = all(answer.settled for answer in answers)
    measured.spent = sum(sum(map(sum, ([w * b.repeat for w in b.wall] for b in a.blocks.values()))) for a in answers)
    group, least = measured.group, (quantity.flops(sizes), quantity.bytes(sizes))
    roofs = [roof(p["roof/gemm"], p["roof/fill"], group.dtype, group.device, *least) for p in processes]
    measured.roof = min(roofs, key=lambda one: one.floor)
    for cell in measured.cells:
        if raised := [answer.blocks[cell.implementation].raised for answer in answers if _left(answer, cell)]:
            cell.outcome, cell.reason = Outcome.RAISED, f"beside the others of its group: {raised[0]}"
        elif cell.implementation in processes[0]:
            _time(cell, [process[cell.implementation] for process in processes])
            ratios = [paired(p[cell.implementation], p[measured.baseline]) for p in processes]
            cell.ratio = estimate(ratios)
        elif cell.again is not None:
            # Too slow for rounds: one call is all there is, and it has no interval.
            cell.seconds, cell.rounds = Estimate(cell.again, cell.again, cell.again), 1
        if cell.seconds is not None:
            cell.fraction = measured.roof.floor / cell.seconds.median
            cell.reason = cell.reason or too_fast(cell.seconds.median, measured.roof)


def _left(answer: Answer, cell: Cell) -> bool:
    return cell.implementation in answer.blocks and bool(answer.blocks[cell.implementation].raised)


def _time(cell: Cell, processes: list[Samples]) -> None:
    cell.seconds = estimate([np.array(one.wall) for one in processes])
    cell.cpu = float(np.median(np.concatenate([one.cpu for one in processes])))
    cell.faults = float(np.median(np.concatenate([one.faults for one in processes])))
    cell.rounds, cell.repeat = sum(len(one.rounds) for one in processes), processes[0].repeat


def _samples(block: Block) -> Samples:
    return Samples(block.repeat, block.rounds, block.wall, block.cpu, block.faults)
