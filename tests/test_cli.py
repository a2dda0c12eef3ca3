"""The command line: what a user types, what comes back, and one clear line for everything that is wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xcheck.cli import main

ROOT = Path(__file__).parents[1]
ADAPTERS = Path(__file__).parent / "adapters"
ONE = ("--case", "linear_gaussian", "--quantity", "gradient", "--dtype", "float64", "--adapter", "faulty_adapter")
RIGHT = ("--implementation", "torch_right", "-j", "1")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Commands write into the folder that they are called from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ADAPTERS))


def xcheck(*arguments, **options):
    """A command in a process of its own, started as a user would."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ADAPTERS)))}
    return subprocess.Popen(
        [sys.executable, "-m", "xcheck", *arguments], env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, **options,
    )  # fmt: skip


def write(name, text):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)
    return name


LITERAL = "from xcheck import *\nfrom xcheck.program import Linear\nx = Literal(((1.0,),))\nc = Case(name='{}', "
LITERAL += "program=Linear(1, 1), params=Linear(1, 1).init(seed=1), inputs={{'x': x}})\n"

WRONG = [
    (("verify", "--case", "tanh_mpl"), "unknown case 'tanh_mpl'; did you mean 'tanh_mlp'?"),
    (("verify", "--quantity", "gradeint"), "unknown quantity 'gradeint'; did you mean 'gradient'?"),
    (("verify", "--implementation", "nobody"), "unknown implementation 'nobody'"),
    (("verify", "--case", "td_error", "--quantity", "ggn"), "zero cells: no such case lists ggn"),
    (("verify", "--case", "tanh_mlp", "--tier", "smoke"), "zero cells: tanh_mlp is of tier standard"),
    (("verify", "--tier", "tiny"), "unknown tier 'tiny'; known: smoke, standard, full"),
    (("verify", "--dtype", "float16"), "unknown dtype 'float16'; known: float64, float32, tf32, bfloat16"),
    (("verify", "--dtype", ","), "at least one dtype and one device is needed"),
    (("verify", "--dtype", "tf32"), "zero cells: tf32 exists on CUDA devices only; add --device cuda"),
    (("verify", "--device", "tpu"), "unknown device 'tpu'"),
    (("verify", "--timeout", "0"), "the time limit of a cell, in seconds, is 0.0, expected a number above 0"),
    (("verify", "--timeout", "soon"), "Invalid value for '--timeout'"),
    (("verify", "--memory", "-1"), "the memory limit of a cell, in MB, is -1, expected a whole number from 1"),
    (("verify", "-j", "0"), "the number of worker processes is 0, expected a whole number from 1 to"),
    (("verify", "-j", "many"), "Invalid value for '-j'"),
    (("verify", "--adapter", "no_such_module"), "no module 'no_such_module' for --adapter"),
    (("verify", "--adapter", "broken_module"), "the adapter 'broken_module' cannot be imported: ZeroDivisionError"),
    (("verify", "--adapter", "needy_module"), "the adapter 'needy_module' needs 'no_such_package'"),
    (("verify", "--adapter", "json"), "zero cells: no implementation matching '*' in module json"),
    (("verify", "--cases", "nowhere"), "no file or folder"),
    (("verify", "--cases", "empty"), "holds no case file"),
    (("verify", "--cases", "syntax"), "cannot be executed: SyntaxError"),
    (("verify", "--cases", "caseless"), "declares no case"),
    (("verify", "--cases", "twice"), "case 'one' is declared twice"),
    (("verify", "--cases", "named"), "case name 'No Name' does not match"),
    (("verify", *ONE, *RIGHT, "--json", "file/verify.json"), "cannot write"),
    (("verify", *ONE, *RIGHT, "--json", "damaged.json"), "the journal damaged.jsonl is damaged at line 1"),
    (("verify", *ONE, *RIGHT, "--json", "full.json"), "cannot write full.jsonl: No space left on device"),
    (("verify", "--color"), "No such option"),
    (("explain", "gradient"), "'gradient' is no id of a cell; expected case/quantity/implementation/dtype/device"),
    (("explain", "tanh_mpl/hvp/torch_x/float64/cpu"), "unknown case 'tanh_mpl'; did you mean 'tanh_mlp'?"),
    (("explain", "*/hvp/torch_x/float64/cpu"), "case name '*' does not match"),
    (("explain",), "Missing argument 'ID'"),
    (("show", "tanh_mpl"), "unknown case 'tanh_mpl'; did you mean 'tanh_mlp'?"),
    (("list", "colours"), "Invalid value for"),
    (("report", "nowhere.json"), "cannot read nowhere.json: No such file or directory"),
    (("report", "syntax/one.py"), "syntax/one.py is no file of results"),
    (("report", "future.json"), "future.json has schema 'xcheck.results/9'"),
    (("verfy",), "No such command 'verfy'"),
]


@pytest.mark.parametrize(("arguments", "line"), WRONG, ids=[" ".join(arguments) for arguments, _ in WRONG])
def test_bad_input_is_one_line_and_exit_code_2(arguments, line, capsys):
    write("broken_module.py", "1 / 0")
    write("needy_module.py", "import no_such_package")
    write("syntax/one.py", "def (:")
    write("caseless/one.py", "number = 3")
    write("twice/one.py", LITERAL.format("one"))
    write("twice/two.py", LITERAL.format("one"))
    write("named/one.py", LITERAL.format("No Name"))
    write("file", "a file where a folder should be")
    write("damaged.jsonl", "nonsense\n")
    write("future.json", '{"schema": "xcheck.results/9"}')
    Path("empty").mkdir()
    Path("full.jsonl").symlink_to("/dev/full")
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("xcheck: ")
    assert line in said
    assert said.count("\n") == 1


def test_no_command_shows_the_help_and_exits_with_2(capsys):
    assert main([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Usage: xcheck [OPTIONS] COMMAND [ARGS]...\n\n")


def test_the_version_and_the_completions_of_the_shell(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "xcheck 0.1.0\n"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "_XCHECK_COMPLETE": "complete_bash"}
    environment |= {"COMP_WORDS": "xcheck ver", "COMP_CWORD": "1"}
    line = [sys.executable, "-m", "xcheck"]
    done = subprocess.run(line, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["verify"], "")


@pytest.mark.parametrize("arguments", [["--help"], ["list", "implementations"], ["show", "tanh_mlp"]])
def test_looking_around_imports_no_framework(arguments):
    code = f"import sys; from xcheck.cli import main; main({arguments}); print({{'torch', 'jax'}} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert said.stdout.endswith("set()\n"), said.stderr


def test_what_there_is_can_be_listed(capsys):
    assert main(["list", "cases"]) == main(["list", "quantities"]) == main(["show", "td_error"]) == 0
    said = capsys.readouterr().out
    for word in ("tanh_mlp_trained", "hessian_params", "J[n, c, d] = d f_c(theta, x_n) / d x_nd", "q_target = Normal("):
        assert word in said


def test_a_run_writes_its_file_and_prints_its_table(capsys):
    rights = (*ONE, "--implementation", "torch_right,torch_doubles,torch_declines", "-j", "1")
    assert main(["verify", *rights]) == 1
    said = capsys.readouterr()
    assert "1 agrees, 1 unsupported, 1 disagrees" in said.out
    assert "torch_doubles float64 cpu" in said.out
    assert "equals 2 x the reference" in said.out
    assert "xcheck explain linear_gaussian/gradient/torch_doubles/float64/cpu --adapter faulty_adapter" in said.out
    assert "disagrees: linear_gaussian/gradient/torch_doubles/float64/cpu" in said.err
    document = json.loads(Path("reports/verify.json").read_text())
    assert document["schema"] == "xcheck.results/1"
    assert [result["outcome"] for result in document["results"]] == ["agrees", "unsupported", "disagrees"]

    assert main(["report", "reports/verify.json"]) == 1
    assert capsys.readouterr().out == said.out
    assert main(["report", "--quiet", "reports/verify.json"]) == 1
    assert "worst ratio" not in capsys.readouterr().out


def test_explain_tells_all_about_one_cell(capsys):
    cell = "linear_gaussian/gradient/torch_doubles/float64/cpu"
    assert main(["explain", cell, "--adapter", "faulty_adapter"]) == 1
    said = capsys.readouterr().out
    for word in ("disagrees: ", "grad L(theta)", "expected -", "2 times as much", "equals 2 x the reference", cell):
        assert word in said
    assert main(["explain", cell.replace("doubles", "right"), "--adapter", "faulty_adapter"]) == 0


def test_cuda_without_a_gpu_is_one_line(capsys):
    if main(["verify", *ONE, *RIGHT, "--device", "all"]) != 0:
        pytest.fail(capsys.readouterr().err)
    if "left out: torch on cuda" not in capsys.readouterr().err:
        pytest.skip("this machine has a GPU")
    assert main(["verify", *ONE, "--device", "cuda"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("xcheck: no framework here has a CUDA device")


def test_the_references_are_listed_with_their_status_and_where_they_lie(capsys):
    assert main(["reference"]) == 0
    said = capsys.readouterr().out
    for line in (
        r"tanh_mlp +hessian_params .* certified +with the case",
        r"relu_at_kinks +gradient .* convention of jax",
    ):
        assert re.search(line, said), line
    assert main(["reference", "relu_at_kinks", "gradient", "-o", "one.json"]) == 2
    assert "name a framework: torch or jax" in capsys.readouterr().err
    assert main(["reference", "relu_at_kinks", "gradient", "-o", "one.json", "--framework", "jax"]) == 0
    assert json.loads(Path("one.json").read_text())["status"] == "convention"


class Unforeseen(BaseException):
    pass


@pytest.mark.parametrize("fault", [TypeError("two\nlines \ud800"), MemoryError(), SystemExit(0), Unforeseen("!")])
def test_a_fault_of_xcheck_is_one_line_that_names_the_file_of_its_traceback(fault, capsys, monkeypatch, tmp_path):
    def broken():
        raise fault

    monkeypatch.setattr("xcheck.quantities.load_quantities", broken)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert main(["list", "quantities"]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"xcheck: xcheck itself failed ({type(fault).__name__}: ")
    (file,) = (tmp_path / "state").rglob("*.txt")
    assert f"the traceback is in {file}; please report it" in line
    assert "in broken\n    raise fault\n" in file.read_text()

    monkeypatch.setattr("tempfile.mkstemp", lambda **options: (tmp_path / "none" / "file").touch())
    assert main(["list", "quantities"]) == 3
    assert "its traceback could not be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("redirection", "said"),
    [
        ("| true", "cannot write to the standard output: Broken pipe"),
        ("> /dev/full", "cannot write to the standard output: No space left on device"),
        (">&-", "the standard output is closed; give one, such as > /dev/null"),
    ],
)
@pytest.mark.parametrize("command", ["list coverage", "--help"])
def test_an_output_that_is_lost_is_one_line(command, redirection, said):
    # The pipe's reader has gone before the first line comes.
    line = f"set -o pipefail; (sleep 0.5; {sys.executable} -m xcheck {command}) {redirection}"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, f"xcheck: {said}\n")


@pytest.fixture
def slow_run(monkeypatch):
    """A run with two quick cells and one that sleeps; it has written the quick ones when this returns."""
    Path("temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(Path("temporary").resolve()))
    rights = ("--implementation", "torch_right,torch_prints,torch_sleeps", "-j", "2", "--timeout", "300")
    # A shell that runs the tests in its background ignores Ctrl-C, and what they start would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = xcheck("verify", *ONE, *rights)
    signal.signal(signal.SIGINT, before)
    journal, deadline = Path("reports/verify.jsonl"), time.monotonic() + 240
    while not (journal.exists() and journal.read_bytes().count(b"\n") == 3):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.2)
    yield process, rights
    process.kill()
    process.communicate()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_the_journal_and_leaves_no_folder(slow_run, ending):
    process, _ = slow_run
    process.send_signal(ending)
    process.send_signal(ending)  # as timeout(1) does, to the process and to its group
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "xcheck: interrupted; the results so far are in reports/verify.jsonl" in said
    assert len(Path("reports/verify.jsonl").read_bytes().splitlines()) == 3
    # What PyTorch caches for the user is its own.
    assert [path.name for path in Path("temporary").iterdir() if not path.name.startswith("torchinductor_")] == []


def test_a_killed_run_goes_on_where_it_stopped(slow_run):
    process, rights = slow_run
    process.kill()
    process.communicate(timeout=30)
    with Path("reports/verify.jsonl").open("ab") as journal:
        journal.write(b'{"id": "torn')
    again = xcheck("verify", *ONE, *rights)
    said = ""
    while "taken over" not in said:
        said = again.stderr.readline()
        assert said, again.communicate()
    again.kill()
    again.communicate()
    assert said == "2 of 3 results taken over from the unfinished run in reports/verify.jsonl\n"
