"""The border holds: random command lines and random calls end in a clear line, soon, with the right exit code.

XCHECK_BORDER=3000 asks for so many of each; `nox -s border` does.
"""

from __future__ import annotations

import os
import re
import stat
import time
import warnings
from pathlib import Path

import pytest
from border.calls import ELSEWHERE, calls, targets
from border.commands import RIGHT, command_lines
from border.hostile import furnish
from border.stubs import stub

import xcheck
from xcheck._errors import Mismatch, XCheckError
from xcheck.cli import app, main
from xcheck.quantity import withdraw

COUNT, SEED = int(os.environ.get("XCHECK_BORDER", "150")), 20
SECONDS = 10.0


@pytest.fixture
def border(tmp_path, monkeypatch):
    """A folder of hostile files to work in, with nothing heavy behind the border."""
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    stub(monkeypatch)
    devices = {path.name: path.stat().st_rdev for path in Path("/dev").iterdir() if path.is_char_device()}
    yield tmp_path
    after = {path.name: path.stat().st_rdev for path in Path("/dev").iterdir() if path.is_char_device()}
    assert devices.items() <= after.items(), "a device was replaced by a file"
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_command_lines_end_in_a_clear_line(border, capfd):
    codes = set()
    for line in command_lines(COUNT, SEED):
        begun = time.monotonic()
        code = main(line)
        said = capfd.readouterr()
        told = [one for one in said.err.splitlines() if re.match("xcheck: (?!left out)", one)]
        assert code in (0, 1, 2), (line, said.err, [file.read_text() for file in border.rglob("xcheck-failure-*")])
        assert len(told) == (code == 2), (line, said.err)
        assert "Traceback" not in said.out + said.err, line
        assert not any(c < " " and c not in "\n\t" for c in said.out + said.err), line
        assert time.monotonic() - begun < SECONDS, line
        codes.add(code)
    assert codes == {0, 1, 2}


def test_calls_raise_what_xcheck_says(border):
    ended = {"returned": 0, "raised": 0}
    for name, function, arguments in calls(COUNT, SEED):
        begun = time.monotonic()
        try:
            with warnings.catch_warnings():
                function(**arguments)
            ended["returned"] += 1
        except Mismatch:
            ended["raised"] += 1
        except XCheckError as error:
            ended["raised"] += 1
            if not str(error).isprintable():
                pytest.fail(f"{name}({', '.join(arguments)}) says more than one line: {error}")
        except BaseException as error:
            pytest.fail(f"{name}({', '.join(arguments)}) raised {type(error).__name__}: {error}")
        assert time.monotonic() - begun < SECONDS, name
    withdraw(lambda module: module in ("border.calls", "border.hostile", "builtins"))
    assert min(ended.values()) > COUNT // 20, ended


def test_everything_public_is_asked():
    errors = {name for name in xcheck.__all__ if isinstance(getattr(xcheck, name), type)}
    errors = {name for name in errors if issubclass(getattr(xcheck, name), Exception)}
    assert {name.partition(".")[0] for name in targets()} | set(ELSEWHERE) | errors >= set(xcheck.__all__)


def test_every_parameter_of_every_command_has_a_right_value():
    import typer.main

    commands = typer.main.get_command(app).commands
    named = {one.name for command in commands.values() for one in command.params if not getattr(one, "is_flag", False)}
    assert named <= set(RIGHT)
