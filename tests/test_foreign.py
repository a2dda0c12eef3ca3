"""Modules that somebody else wrote: whatever one does when it is imported is one line and exit code 2."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

import xcheck
from xcheck import _foreign, _load
from xcheck._ending import interruptible
from xcheck._errors import UsageError
from xcheck._foreign import foreign
from xcheck.cli import main
from xcheck.quantity import registered
from xcheck.run import adapters

#: What a module does at its import, and what is said of it.
DEEDS = {
    "raise SystemExit(0)": "SystemExit: 0",
    "import sys; sys.exit()": "SystemExit",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise GeneratorExit": "GeneratorExit",
    "raise BaseException('base')": "BaseException: base",
    "raise StopIteration": "StopIteration",
    "print('loud'); 1 / 0": "ZeroDivisionError",
    "raise ValueError('two\\nlines \\ud800 \\x1b[31m')": r"ValueError: two lines \ud800 \x1b[31m",
    "class E(Exception):\n  def __str__(self): raise E\nraise E": "E: <E whose text raised E>",
    "def f(): f()\nf()": "RecursionError",
    "def (": "SyntaxError",
    "raise MemoryError": "MemoryError",
    "import warnings; warnings.simplefilter('error'); warnings.warn('old')": "UserWarning: old",
}

#: Where foreign modules come from: what to write, and the command that executes it.
BORDERS = {
    "adapter": lambda name: ["verify", "--adapter", name],
    "case file": lambda name: ["list", "cases", "--cases", f"{name}.py"],
    "folder of cases": lambda name: ["verify", "--cases", "."],
    "parity": lambda name: ["parity", f"{name}:f", f"{name}:f", "args.npz"],
}

NUMBER = itertools.count()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def module(text: str) -> str:
    """Writes a module under a name that no other test has."""
    name = f"foreign_{next(NUMBER)}"
    Path(f"{name}.py").write_text(text)
    return name


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("deed", DEEDS)
def test_a_module_that_fails_or_exits_is_one_line_and_exit_code_2(border, deed, capsys):
    np.savez("args.npz", x=np.ones(2))
    name = module(deed)
    assert main(BORDERS[border](name)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = [one for one in said.err.splitlines() if one != "loud"]
    assert line.startswith("xcheck: ")
    assert name in line
    assert DEEDS[deed] in line


@pytest.mark.parametrize("border", BORDERS)
def test_a_module_that_never_ends_is_one_line(border, capsys, monkeypatch):
    monkeypatch.setattr(_foreign, "SECONDS", 0.2)
    np.savez("args.npz", x=np.ones(2))
    stubborn = "import time\nfor k in range(3):\n  try: time.sleep(60)\n  except BaseException: pass\nwhile True: pass"
    assert main(BORDERS[border](module(stubborn))) == 2
    assert "it has not ended after 0.2 s" in capsys.readouterr().err


def test_what_a_module_prints_is_no_part_of_the_output(capsys):
    name = module("print('loud')\nf = 3")
    np.savez("args.npz", x=np.ones(2))
    assert main(["parity", f"{name}:f", f"{name}:f", "args.npz"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "loud\nxcheck: " in said.err
    assert "is of type int; expected a function" in said.err


REGISTERS = """
import xcheck
@xcheck.implements("{quantity}", "{name}", "torch")
def f(problem): ...
{then}
"""


@pytest.mark.parametrize(
    ("quantity", "then", "said"),
    [
        ("gradient", "raise SystemExit(0)", "cannot be imported: SystemExit: 0"),
        ("gradient", "1 / 0", "cannot be imported: ZeroDivisionError"),
        ("gradeint", "", "unknown quantity 'gradeint'; did you mean 'gradient'?"),
    ],
)
def test_a_broken_adapter_leaves_nothing_registered(quantity, then, said, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(tmp_path)
    name = module("")
    Path(f"{name}.py").write_text(REGISTERS.format(quantity=quantity, name=name, then=then))
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        adapters.import_adapter(name)
    assert not [one for one in registered() if one.module == name]


def test_a_broken_plug_in_is_named_and_blocks_nothing(monkeypatch, tmp_path, caplog):
    monkeypatch.syspath_prepend(tmp_path)
    for deed in DEEDS:
        broken = module(REGISTERS.format(quantity="gradient", name=f"p{next(NUMBER)}", then="") + deed)
        point = EntryPoint("broken", broken, "some group")
        monkeypatch.setattr(adapters, "entry_points", lambda group, point=point: [point])
        monkeypatch.setattr(_load, "entry_points", lambda group, point=point: [point])
        caplog.clear()
        _load._with_entry_points.cache_clear()
        with interruptible():  # as under a command, where a KeyboardInterrupt of the module's own can be told
            adapters.load_entry_points()
            assert "tanh_mlp" in xcheck.load_cases()
        assert [message for message in caplog.messages if DEEDS[deed] in message] == caplog.messages
        assert len(caplog.messages) == 2
        assert all(f"package {broken!r}" in message for message in caplog.messages)
        assert not [one for one in registered() if one.module == broken]
    _load._with_entry_points.cache_clear()


def test_a_plug_in_may_not_take_the_name_of_a_case(monkeypatch, tmp_path, caplog):
    monkeypatch.syspath_prepend(tmp_path)
    taken = module(f"import xcheck\nmine = xcheck.load_cases({str(_load.shipped_folder())!r})['tanh_mlp']")
    monkeypatch.setattr(_load, "entry_points", lambda group: [EntryPoint("taken", taken, group)])
    _load._with_entry_points.cache_clear()
    assert "tanh_mlp" in xcheck.load_cases()
    assert "case 'tanh_mlp' is declared twice" in caplog.text
    _load._with_entry_points.cache_clear()


def test_an_interrupt_of_a_person_stays_one():
    with pytest.raises(KeyboardInterrupt), foreign("code"):
        raise KeyboardInterrupt
    script = "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(60)"
    environment = os.environ | {"PYTHONPATH": str(Path(xcheck.__file__).parents[1])}
    line = [sys.executable, "-m", "xcheck", "verify", "--adapter", module(script)]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 130
    assert done.stderr.count("\n") == 1
