"""What nobody should hand to xcheck, and somebody will: words, numbers, objects and files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

#: Words of a command line that are wrong almost everywhere.
WORDS = (
    "", " ", "-1", "0", "1", "1e999", "nan", "inf", "99999999999999999999", "*", "**", ",", "!", "[", "zzz*", "../..",
    "a/b/c", "a/b/c/d/e", "tanh_mpl", "gradeint", "float16", "float32,float16", "flaot32", "x y", "é日本",
    "\udc80\udcff",
    "\x1b[31mred", "[red]red[/red]", "a\nb", "x" * 5000, "%s", "{}", "--", "json", "os:system", "math:pi", "json:",
    ":f", "::", "xcheck", "xcheck.libraries.nobody", ".", "..", "~", "cuda", "full", "tiny", "-100000", "100000", "1.5",
    "True", "None", "9**9**9", "torch", "jax", "cases", "adapter", "standard", "smoke",
)  # fmt: skip

#: Files that `furnish` writes, by name.
FILES = (
    "nested.json", "null", "zero", "full", "pipe", "sparse", "folder", "folder/under", "bytes", "empty", "future.json",
    "types.json", "words.json", "good.json", "text.npz", "truncated.npz", "claims.npz", "numbers.npz", "objects.npz",
    "spaces in a name.json", "missing/under/file.json", "loop", "exits.py", "caseless.py", "good_case.py", "no_rows.py",
    "loss_word.py", "numpy_inside.py", "other_shape.py", "answers", "convention", "bad.jsonl", "readme.txt/under",
)  # fmt: skip

_CASE = """
import numpy as np
from xcheck import Case, Normal
from xcheck.program import Linear, mse
net = Linear(2, 1)
def program(xp, params, inputs): return {result}
one = Case(name="{name}", program={program}, params=net.init(seed=7), inputs={{"x": Normal(({n}, 2), seed=8)}},
           targets=Normal(({n}, 1), seed=9), loss={loss}, quantities=("gradient",))
"""


class Hostile:
    """Raises whatever is asked of it."""

    def __repr__(self) -> str:
        raise ZeroDivisionError

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def objects() -> list[Any]:
    """Arguments of Python calls that are wrong almost everywhere."""
    loop: list[Any] = []
    loop.append(loop)
    return [
        None, True, 0, -1, 3, 10**30, 1.5, float("nan"), float("inf"), 1j, b"bytes", "", "zzz*", "gradeint", "float16",
        "float32", "torch", "tanh_mlp", "\ud800", "a\x00b", "x" * 5000, [], [1], ["float32"], (), ("a", 3), {},
        {"a": 1},
        loop, set(), object(), object, len, Hostile(), np.zeros(2), np.zeros((3, 3), np.float32), np.array(["a"]),
        np.array([None]), np.array(1.0), np.zeros(0), Path("nowhere"), range(3), iter([1]), lambda: 1, NotImplemented,
    ]  # fmt: skip


def furnish(folder: Path) -> None:
    """Writes FILES into a folder."""
    for name in ("folder", "answers/linear_gaussian", "convention/linear_gaussian"):
        (folder / name).mkdir(parents=True)
    (folder / "nested.json").write_text('{"settings": {"deep":' + "[" * 10_000 + "]" * 10_000 + "}}")
    for name in ("null", "zero", "full"):
        (folder / name).symlink_to(f"/dev/{name}")
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    with (folder / "sparse").open("wb") as file:
        file.truncate(10 * 2**30)
    (folder / "bytes").write_bytes(bytes(range(256)))
    for name in ("empty", "readme.txt"):
        (folder / name).touch()
    (folder / "bad.jsonl").write_text("[]\n{}\n")
    (folder / "future.json").write_text('{"schema": "xcheck.results/9"}')
    (folder / "types.json").write_text('{"schema": 3, "results": "none"}')
    (folder / "good.json").write_text('{"schema": "xcheck.results/1"}')
    cell = dict.fromkeys(("id", "case", "quantity", "implementation", "framework", "dtype", "device"), "\x1b[31m[red]")
    wrong = {"schema": "xcheck.results/1", "results": [{**cell, "outcome": "raised", "ratio": "soon", "reason": "x"}]}
    (folder / "words.json").write_text(json.dumps(wrong))
    (folder / "spaces in a name.json").write_text(json.dumps(wrong).replace("soon", "inf"))
    np.savez(folder / "numbers.npz", x=np.ones(2))
    np.savez(folder / "text.npz", x=np.array(["a", "b"]))
    np.savez(folder / "objects.npz", x=np.array([None, {}], object))
    whole = (folder / "numbers.npz").read_bytes()
    (folder / "truncated.npz").write_bytes(whole[: len(whole) // 2])
    header = {"descr": "<f8", "fortran_order": False, "shape": (1_250_000_000,)}  # ten gigabytes, of which two numbers
    with ZipFile(folder / "claims.npz", "w") as archive, archive.open("x.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(16))
    (folder / "answers" / "linear_gaussian" / "gradient.float64.npz").write_bytes(whole[:60])
    (folder / "convention" / "linear_gaussian" / "gradient.float64.json").write_text('{"result": [1.0, 2.0]}')
    (folder / "convention" / "convention.json").write_text('{"scale": "9**9**9"}')
    (folder / "exits.py").write_text("raise SystemExit(0)")
    (folder / "caseless.py").write_text("number = 3")
    right = {"program": "net", "n": 4, "loss": "mse()", "result": "0"}
    for name, change in {
        "good_case": {}, "no_rows": {"n": 0}, "loss_word": {"loss": "'mse'"},
        "numpy_inside": {"program": "program", "result": "np.tanh(inputs['x'] @ params['weight'].T)"},
        "other_shape": {"program": "program", "result": "inputs['x'] @ params['weight']"},
    }.items():  # fmt: skip
        (folder / f"{name}.py").write_text(_CASE.format(**right | change, name=name))
