"""docs/findings.md: each block runs on its own and prints what the page says, where its library is installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import xcheck
from xcheck._lazy import installed

PAGE = Path(xcheck.__file__).parents[1] / "docs" / "findings.md"
BLOCKS = re.findall(r"```python (\w+)\n(.*?)```\n```\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_every_finding_has_a_block():
    assert len(BLOCKS) >= len(re.findall(r"^### \d+\.", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize(("library", "code", "printed"), BLOCKS, ids=[f"{k}-{b[0]}" for k, b in enumerate(BLOCKS, 1)])
def test_a_finding_is_reproduced(library: str, code: str, printed: str) -> None:
    if not installed(library):
        pytest.skip(f"{library} is not installed: python -m nox -s libraries")
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, env=env)
    assert done.stdout.strip() == printed.strip(), done.stderr
