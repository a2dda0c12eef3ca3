"""The session that changes our own code: a process, and those it starts, import the change; files stay as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mutants import rooms

import xcheck

ROOT = Path(xcheck.__file__).parents[1]
HOOK = ROOT / "tests" / "mutants" / "hook"
ASKED = "from xcheck._judge import LIMIT; print(LIMIT)"
CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ASKED!r}], check=True)"


def said(script: str, **variables: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HOOK), str(ROOT)]), **variables}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_change_is_imported_in_every_process_and_written_nowhere(tmp_path: Path) -> None:
    path, copy = ROOT / "xcheck" / "_judge.py", tmp_path / "changed.py"
    before = path.read_text()
    copy.write_text(before + "\nLIMIT = 7.0\n")
    for script in (ASKED, CHILD):
        assert said(script, XCHECK_MUTANT=f"{path}:{copy}") == "7.0"
        assert said(script) == "32.0"
    assert path.read_text() == before


def test_every_room_has_code_and_tests() -> None:
    for name, room in rooms.ROOMS.items():
        assert len(room.files) >= 5, name
        assert len(room.test_files) >= 5, name
