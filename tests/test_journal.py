"""The journal: what is kept, what is taken over, what is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest

from xcheck import Outcome, Result
from xcheck._errors import StoreError
from xcheck.result import Document
from xcheck.run.journal import Head, Journal, read_document, write_atomically
from xcheck.run.results import Results

HEAD = Head(machine={"cores": 2}, versions={"xcheck": "0.1.0"}, settings={"cases": "*"})


def result(name: str, outcome: Outcome = Outcome.AGREES) -> Result:
    return Result(
        id=f"a/b/{name}/float64/cpu", case="a", quantity="b", implementation=name, framework="torch", dtype="float64",
        device="cpu", outcome=outcome, ratio=0.5,
    )  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "reports" / "verify.jsonl"


def cut_short(path, *names):
    with Journal(path, HEAD, Result) as journal:
        for name in names:
            journal.add(result(name))


def test_an_unfinished_run_is_taken_over(path):
    cut_short(path, "one", "two")
    with Journal(path, HEAD, Result) as journal:
        assert journal.found == [result("one"), result("two")]
        journal.add(result("three"))
    with Journal(path, HEAD, Result) as journal:
        assert len(journal.found) == 3


def test_a_finished_run_starts_over(path):
    with Journal(path, HEAD, Result) as journal:
        journal.add(result("one"))
        journal.finish()
    with Journal(path, HEAD, Result) as journal:
        assert journal.found == []


def test_other_settings_start_over(path):
    cut_short(path, "one")
    other = Head(machine=HEAD.machine, versions=HEAD.versions, settings={"cases": "tanh_mlp"})
    with Journal(path, other, Result) as journal:
        assert journal.found == []


def test_edited_sources_start_over(path):
    cut_short(path, "one")
    other = Head(machine=HEAD.machine, versions={"xcheck": "0.1.0", "sources": "abc"}, settings=HEAD.settings)
    with Journal(path, other, Result) as journal:
        assert journal.found == []


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_torn_last_line_costs_one_result(path, cut):
    cut_short(path, "one", "two")
    path.write_bytes(path.read_bytes()[:-cut])
    with Journal(path, HEAD, Result) as journal:
        assert journal.found == [result("one")]
        journal.add(result("two"))
    with Journal(path, HEAD, Result) as journal:
        assert len(journal.found) == 2


def test_each_result_is_on_disk_at_once(path):
    with Journal(path, HEAD, Result) as journal:
        journal.add(result("one"))
        assert path.read_bytes().count(b"\n") == 2


@pytest.mark.parametrize("damage", [b"\x00\xff\n", b"{}\n", b'{"id": 3}\n', b'{"finished": "perhaps"}\n'])
def test_a_damaged_journal_is_one_clear_line(path, damage):
    cut_short(path, "one", "two")
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second + damage + third)
    with pytest.raises(
        StoreError, match=r"the journal .*verify.jsonl is damaged at line 3 .*; delete it and run again"
    ):
        Journal(path, HEAD, Result)
    assert path.read_bytes() == first + second + damage + third


def test_a_full_disk_is_one_clear_line(tmp_path):
    path = tmp_path / "verify.jsonl"
    path.symlink_to("/dev/full")
    with pytest.raises(StoreError, match=r"cannot write .*verify.jsonl: No space left on device"):
        Journal(path, HEAD, Result)


def test_a_folder_in_the_way_is_one_clear_line(tmp_path):
    with pytest.raises(StoreError, match=r"cannot write .*: it is a folder; give the name of a file"):
        Journal(tmp_path, HEAD, Result)
    with pytest.raises(StoreError, match=r"cannot write .*: it is a folder; give the name of a file"):
        write_atomically(tmp_path, b"")


def test_two_runs_do_not_write_one_journal(path):
    other = (
        "import sys; from xcheck.run.journal import Head, Journal; "
        "Journal(sys.argv[1], Head(machine={}, versions={}, settings={}), Head)"
    )
    with Journal(path, HEAD, Result) as journal:
        journal.add(result("one"))
        said = subprocess.run([sys.executable, "-c", other, path], capture_output=True, text=True)
        assert "another run is writing" in said.stderr
    with Journal(path, HEAD, Result) as journal:
        assert len(journal.found) == 1


def test_the_final_file_is_whole_or_not_there(tmp_path):
    path = tmp_path / "verify.json"
    Results(Document(results=[result("one"), result("two", Outcome.RAISED)])).save(path)
    loaded = Results.load(path)
    assert [one.outcome for one in loaded] == ["agrees", "raised"]
    assert (loaded.ok, loaded.exit_code) == (False, 1)
    assert [file.name for file in tmp_path.iterdir()] == ["verify.json"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "cannot read .*: No such file or directory"),
        ("not json", "is no file of results"),
        ('{"schema": "xcheck.results/9"}', r"has schema 'xcheck.results/9'; this xcheck reads 'xcheck.results/1'"),
    ],
)
def test_what_is_no_final_file_is_one_clear_line(tmp_path, text, line):
    path = tmp_path / "verify.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(StoreError, match=line):
        read_document(path)
