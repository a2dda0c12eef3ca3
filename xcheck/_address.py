"""Address: one digest of everything that a reference depends on, so that no reference is served for another."""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from xcheck._errors import CaseError, UsageError, XCheckError
from xcheck._foreign import raised
from xcheck.case import Case
from xcheck.exact import certify
from xcheck.exact.certify import by_convention
from xcheck.exact.evaluate import Evaluation
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.exact.trace import program_digest, word
from xcheck.quantity import Quantity


def address(case: Case, quantity: Quantity, dtype: str, framework: str | None = None) -> str:
    """The case by its name, program, data and vectors at this dtype; the quantity with its rule; the rules' sources.

    A framework counts only where its convention decides. What a case says of itself for other ends (`doc`, `since`,
    `tier`, `quantities`, `native`, `folder`) is left out: no number of the reference depends on it.
    """
    part, examples = sampled(case, quantity), case.sampled.get(quantity.name, ())
    convention = framework if by_convention(case, quantity) else None
    lines = [_case(part, data_dtype(part, dtype)), word(tuple(examples)), word(convention)]
    lines += [quantity.name, quantity_source(quantity), rules()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def data_dtype(case: Case, dtype: str) -> str:
    """float64 where the case has the same numbers in both: then both have one reference.

    >>> import xcheck
    >>> data_dtype(xcheck.load_cases()["tanh_mlp"], "float32")
    'float64'
    """
    return "float64" if _case(case, dtype) == _case(case, "float64") else dtype


def sampled(case: Case, quantity: Quantity) -> Case:
    """The case with those examples only that have a reference of the quantity.

    Raises:
        CaseError: a part of the examples would change it: it holds the weight r of a loss, or moves along a tangent.
    """
    part = case.part(quantity.name)
    if part is not case and quantity.shape not in ("n c p", "n c d", "n c d d"):
        raise CaseError(f"case {case.name}: sampled names {quantity.name}, which is not made example by example")
    return part


@lru_cache(maxsize=512)
def _case(case: Case, dtype: str) -> str:
    try:
        lines = [case.name, program_digest(case, dtype), word((case.wrt, *case.arguments)), word(case.kinks)]
        lines += [f"{name} {word(values)}" for name, values in vectors(case, dtype)]
    except XCheckError:
        raise
    except (Exception, SystemExit, GeneratorExit) as error:  # a program is somebody else's code
        raise CaseError(f"the program of case {case.name} cannot be evaluated: {raised(error)}") from error
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def vectors(case: Case, dtype: str) -> Iterator[tuple[str, object]]:
    """The tangents and cotangents of the case, the drawn ones too, by name."""
    plain, alg = Evaluation(case, dtype), MonteCarlo(noise=0.0)
    inputs = plain.values.inputs
    with np.errstate(all="ignore"):  # what a branch leaves out may be infinite
        outputs, _ = plain.run(alg, plain.constants(alg, plain.values.params), plain.constants(alg, inputs))
    shapes = {"params": (case.p,)} | {name: inputs[name].shape for name in case.arguments}
    for name, shape in (shapes | {name: tuple(value.shape) for name, value in outputs.items()}).items():
        yield name, case.vector(name, shape, dtype)


@cache
def rules() -> str:
    """The sources of the exact arithmetic, without comments and docstrings."""
    folder = Path(certify.__file__).parent
    return sources(sorted(folder.rglob("*.py")), folder)


def sources(files: list[Path], folder: Path) -> str:
    """One digest of Python files: their names and what of them is code."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.relative_to(folder).as_posix()}\n{code(file.read_text(encoding='utf-8'))}\n".encode())
    return total.hexdigest()


def code(source: str) -> str:
    """The lines of a module that are neither empty, nor a comment, nor part of a docstring.

    >>> code('"Says why."\\n\\n# and so\\nx = 1')
    'x = 1'
    """
    prose: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            prose |= set(range(body[0].lineno, (body[0].end_lineno or 0) + 1))
    lines = [line.rstrip() for k, line in enumerate(source.splitlines(), start=1) if k not in prose]
    return "\n".join(line for line in lines if line and not line.lstrip().startswith("#"))


@cache
def quantity_source(quantity: Quantity) -> str:
    """The reference rule of a quantity of xcheck, which only names what `exact` computes; a foreign one's whole module.

    Raises:
        UsageError: its source cannot be read, as where it is made of a string.
    """
    try:
        if quantity.reference.__module__.startswith("xcheck."):
            return " ".join(inspect.getsource(quantity.reference).split())
        return code(inspect.getsource(inspect.getmodule(quantity.reference) or quantity.reference))
    except (OSError, TypeError) as error:
        raise UsageError(
            f"quantity {quantity.name}: the source of its reference rule cannot be read ({error}); "
            "a reference is stored under what made it, so declare the quantity in a file"
        ) from None
