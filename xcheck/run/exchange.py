"""Problems out and answers in, as files: what a library in Julia, C++ or R needs to be judged.

::

    DIR/convention.json                   optional: how the answers relate to ours, such as {"scale": "2"}
    DIR/CASE/problem.json                 the program, the loss, names and shapes, the quantities with their formulas
    DIR/CASE/values.npz or values.json    params/NAME, inputs/NAME, targets, tangents/NAME, cotangents/NAME
    DIR/CASE/QUANTITY.DTYPE.npz or .json  an answer: the array `result`, or one array for each path such as
                                          `td_err_1/actions`; numbers of that dtype, axes in our order
"""

from __future__ import annotations

import inspect
import json
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from xcheck import _reference
from xcheck._dtypes import ARRAY_DTYPE
from xcheck._errors import StoreError, UsageError
from xcheck._files import path_of, read_arrays, read_bytes, read_json
from xcheck._load import load_cases
from xcheck._registry import unknown
from xcheck._text import one_line
from xcheck.case import Case
from xcheck.diagnose import judge
from xcheck.program import Layer
from xcheck.quantities import load_quantities
from xcheck.result import Convention, Document, Result, number, result_id
from xcheck.run.machine import machine, versions
from xcheck.run.results import Results

SCHEMA = "xcheck.problem/1"


def export_problems(folder: Path, cases: Iterable[Case], *, as_json: bool = False) -> list[Path]:
    """Writes one folder for each case; returns the files `problem.json`.

    Raises:
        StoreError: a file cannot be written.
    """
    written = []
    for case in cases:
        arrays = _arrays(case)
        place = folder / case.name
        try:
            place.mkdir(parents=True, exist_ok=True)
            (place / "problem.json").write_text(json.dumps(_about(case, arrays), indent=1), encoding="utf-8")
            if as_json:
                lists = {name: array.tolist() for name, array in arrays.items()}
                (place / "values.json").write_text(json.dumps(lists), encoding="utf-8")
            else:
                np.savez(place / "values.npz", allow_pickle=False, **arrays)
        except OSError as error:
            raise StoreError(f"cannot write {place}: {error.strerror or error}") from None
        written.append(place / "problem.json")
    return written


def _arrays(case: Case) -> dict[str, np.ndarray]:
    values = case.values()
    arrays = {f"params/{name}": array for name, array in values.params.items()}
    arrays |= {f"inputs/{name}": array for name, array in values.inputs.items()}
    arrays |= {} if values.targets is None else {"targets": values.targets}
    shapes = {"params": (case.p,)} | {name: values.inputs[name].shape for name in case.arguments}
    arrays |= {f"tangents/{name}": case.vector(name, shape) for name, shape in shapes.items()}
    outputs = _reference.reference(case, "value").leaves if "value" in case.quantities else {}
    return arrays | {
        f"cotangents/{path or 'output'}": case.vector(path or "output", leaf.value.shape)
        for path, leaf in outputs.items()
    }


def _about(case: Case, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    program = case.program
    source = repr(program) if isinstance(program, Layer) else inspect.getsource(program)
    asked = {name: load_quantities()[name] for name in case.quantities}
    return {
        "schema": SCHEMA, "case": case.name, "doc": case.doc, "program": source, "loss": repr(case.loss), "n": case.n,
        "p": case.p, "arguments": list(case.arguments), "float32": case.holds_in_float32,
        "arrays": {name: list(array.shape) for name, array in arrays.items()},
        "quantities": {name: {"formula": one.formula, "axes": one.shape.split()} for name, one in asked.items()},
    }  # fmt: skip


def judge_answers(folder: Path, cases: str | Path | None = None) -> Results:
    """Judges every answer in a folder of the layout above.

    Raises:
        UsageError: no such folder, no answer in it, or a file whose name is no case, quantity or dtype.
        StoreError: a file is damaged.
    """
    folder = path_of("the folder of answers", folder)
    known = load_cases(cases)
    convention = _convention(folder / "convention.json")
    results = []
    for path, case, quantity, dtype in _answers(folder, known):
        verdict = judge(_read(path, dtype), case, quantity, dtype=dtype, convention=convention)
        results.append(
            Result(
                id=result_id(case.name, quantity, "answers", dtype, "cpu"), case=case.name, quantity=quantity,
                implementation="answers", framework="", dtype=dtype, device="cpu", outcome=verdict.outcome,
                ratio=None if verdict.ratio is None else number(verdict.ratio),
                ratio_F=None if verdict.ratio_F is None else number(verdict.ratio_F), worst=verdict.worst,
                diagnosis=list(verdict.diagnosis), checks=dict(verdict.checks), convention=convention,
                nonzero=verdict.nonzero, decided=verdict.decided, reason=verdict.reason, text=verdict.text,
                resolution=None if verdict.resolution is None else [number(seen) for seen in verdict.resolution],
                reproduce=f"xcheck judge {shlex.quote(str(folder))}",
            )
        )  # fmt: skip
    settings = {"folder": str(folder)}
    return Results(Document(machine=machine(), versions=versions(), settings=settings, results=results))


def _answers(folder: Path, known: Any) -> Iterator[tuple[Path, Case, str, str]]:
    if not folder.is_dir():
        raise UsageError(f"no folder {folder}; xcheck export DIR writes one, and the answers go beside the problems")
    found = [p for p in sorted(folder.glob("*/*")) if p.suffix in (".npz", ".json") and "." in p.stem]
    if not found:
        raise UsageError(f"{folder} holds no answer; expected files such as CASE/gradient.float64.npz")
    for path in found:
        quantity, _, dtype = path.stem.partition(".")
        if path.parent.name not in known:
            raise UsageError(f"{path}: {unknown('case', path.parent.name, known)}")
        if dtype not in ARRAY_DTYPE:
            raise UsageError(f"{path}: {unknown('dtype', dtype, ARRAY_DTYPE)}")
        yield path, known[path.parent.name], load_quantities()[quantity].name, dtype


def _read(path: Path, dtype: str) -> Any:
    """The arrays of an answer, in the dtype that its name claims; JSON's numbers are rounded to it."""
    if path.suffix == ".npz":
        arrays = read_arrays(path)
    else:
        try:
            lists = json.loads(read_bytes(path))  # which knows NaN, as other languages write it
            arrays = {name: np.array(one, dtype=ARRAY_DTYPE[dtype]) for name, one in lists.items()}
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise StoreError(f"the answer {path} cannot be read: {one_line(error)}") from None
    return arrays["result"] if set(arrays) == {"result"} else arrays


def _convention(path: Path) -> Convention:
    then = "expected scale, params, weight and axes as in docs/conventions.md"
    return read_json(path, Convention, "convention", then) if path.exists() else Convention()
