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

PAGE = (Path(xcheck.__file__).parents[1] / "docs" / "findings.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```python (\w+)\n(.*?)```\n```\n(.*?)```", re.DOTALL)
BLOCKS = BLOCK.findall(PAGE)


def without_block(page: str) -> list[str]:
    """The titles of the findings that show nothing."""
    titles = (section.partition("\n") for section in re.split(r"^### ", page, flags=re.MULTILINE)[1:])
    return [title for title, _, text in titles if not BLOCK.search(text)]


def test_every_finding_has_a_block():
    assert without_block(PAGE) == []
    assert without_block(PAGE + "### 99. A claim without a script\n\nIt is so.\n") == ["99. A claim without a script"]


@pytest.mark.parametrize(("library", "code", "printed"), BLOCKS, ids=[f"{k}-{b[0]}" for k, b in enumerate(BLOCKS, 1)])
def test_a_finding_is_reproduced(library: str, code: str, printed: str) -> None:
    if not installed(library):
        pytest.skip(f"{library} is not installed: python -m nox -s libraries")
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, env=env)
    assert done.stdout.strip() == printed.strip(), done.stderr
