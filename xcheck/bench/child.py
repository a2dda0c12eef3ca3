"""A fresh process that judges cells, or times them in interleaved rounds; request and answer are JSON.

Affinity and thread variables are set before any framework is imported: later, neither heeds them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from xcheck.bench.messages import Request


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
