"""Files that come in are regular ones of a bounded size; files that go out replace no device and follow links."""

from __future__ import annotations

import json
import os
import socket
import stat
from pathlib import Path

import pytest
from border.hostile import furnish

from xcheck import Outcome, Result
from xcheck._errors import StoreError, UsageError
from xcheck._files import path_of, read_arrays, read_bytes
from xcheck.cli import main
from xcheck.result import Document
from xcheck.run.journal import Head, Journal, write_atomically
from xcheck.run.results import Results


@pytest.fixture(autouse=True)
def _furnished(tmp_path, monkeypatch):
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("zero", "it is no regular file"), ("pipe", "it is no regular file"), ("null", "it is no regular file"),
        ("folder", "it is no regular file"), ("sparse", "its 10737418240 bytes are more than"),
        ("loop", "Too many levels of symbolic links"), ("missing", "No such file or directory"),
        ("bytes", "is no file of results"), ("empty", "is no file of results"), ("types.json", "is no file of results"),
        ("nested.json", "is no file of results (it is nested too deeply)"), ("future.json", "has schema"),
        ("words.json", "has the number 'soon'"),
    ],
)  # fmt: skip
def test_a_report_of_no_report_is_one_line(file, said, capsys):
    commands = [["report", file], ["libraries", "--no-run", "--json", file], ["bench", "--read", file]]
    for command in commands[: 2 if file == "words.json" else 3]:
        assert main(command) == 2
        line = capsys.readouterr().err
        assert line.startswith("xcheck: ")
        assert line.count("\n") == 1
        if command[0] == "report":
            assert said in line


@pytest.mark.parametrize("file", ["text.npz", "objects.npz", "truncated.npz", "claims.npz", "bytes", "empty", "sparse"])
def test_an_archive_that_is_none_or_claims_too_much_is_one_line(file):
    with pytest.raises(StoreError, match=file) as refused:
        read_arrays(Path(file))
    assert "\n" not in str(refused.value)


def test_no_path_is_one_line():
    for given in (3, None, b"bytes\0", "a\0b", "\ud800", "x" * 5000, "loop", ["list"]):
        with pytest.raises(UsageError, match="the file"):
            path_of("the file", given)


def test_a_device_is_written_to_and_a_link_followed():
    Path("target").touch()
    Path("link").symlink_to("target")
    write_atomically("link", b"text")
    write_atomically("null", b"text")
    assert (Path("target").read_bytes(), Path("link").is_symlink()) == (b"text", True)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(StoreError, match="No space left on device"):
        write_atomically("full", b"text")


@pytest.mark.parametrize("file", [".", "..", "folder", "folder/", "pipe", "socket", "out.jsonl", "loop", "x" * 300])
def test_a_file_that_cannot_be_written_is_one_line_before_anything_runs(file, capsys):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
        assert main(["verify", "--case", "linear_gaussian", "--json", file]) == 2
    said = capsys.readouterr().err
    assert said.startswith("xcheck: ")
    assert said.count("\n") == 1
    for special in ("pipe", "socket", "folder"):
        if file == special:
            with pytest.raises(StoreError, match=file):
                Journal(file, Head(machine={}, versions={}, settings={}), Result)


SAID = "two\nlines, \ud800, \x1b[31mred\x1b[0m, [red]markup[/red], :smile:, \r\x07"


def test_any_text_is_kept_and_printed(capsys):
    names = dict.fromkeys(("id", "case", "quantity", "implementation", "framework", "dtype", "device"), SAID)
    result = Result(**names, outcome=Outcome.RAISED, reason=SAID * 10**5, text=SAID, reproduce=SAID)
    head = Head(machine={"name": SAID}, versions={}, settings={})
    with Journal("run.jsonl", head, Result) as journal:
        journal.add(result)
    Results(Document(results=[result])).save("out.json")
    assert json.loads(Path("out.json").read_text())["results"][0]["id"].startswith("two\nlines, \\ud800, \\x1b[31m")
    assert len(Path("run.jsonl").read_bytes().splitlines()) == 2
    assert main(["report", "out.json"]) == 1
    out = capsys.readouterr().out
    assert out.replace("\n", "").isprintable()
    assert len(out) < 10**5
    for kept in ("[red]markup[/red]", ":smile:", "\\x1b[31mred"):
        assert kept in out
    assert read_bytes(Path("run.jsonl")).startswith(b'{"schema"')


@pytest.mark.parametrize("columns", [None, "0", "1", "20", "wide", "100000"])
def test_no_name_is_broken_at_any_width(columns, capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    assert main(["list", "implementations"]) == 0
    out = capsys.readouterr().out
    for name in ("empirical_fisher_diagonal", "ggn_diagonal_backprop", "per_example_gradients"):
        assert name in out.split()
