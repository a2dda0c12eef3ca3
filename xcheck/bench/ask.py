"""ask: one request to a fresh process, whose variables are set before it imports a framework."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from xcheck._errors import XCheckError
from xcheck.bench.messages import Answer, Request

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NPROC")


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
