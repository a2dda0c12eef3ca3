"""The separate lines that need more than the result: the adjoint identity and aux."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from xcheck import _checks, _execute, _problem, _reference
from xcheck._problem import Problem
from xcheck._receive import receive
from xcheck._reference import Leaf
from xcheck._tree import leaves
from xcheck.quantity import Implementation, implementations
from xcheck.result import Convention

Arrays = Mapping[str, np.ndarray]
#: The product on the other side of the adjoint identity.
OTHER = {"jvp": "vjp", "vjp": "jvp"}


def lines(native: Any, problem: Problem, implementation: Implementation, quick: bool = False) -> dict[str, str]:
    """Name to "ok" or what is wrong; empty where the quantity has no such line.

    The numbers must be in our convention: those of a library that declares another have been judged, and have no line.
    """
    if implementation.convention != Convention():
        return {}
    return {**_adjoint(native, problem, implementation, quick), **_aux(native, problem, implementation)}


def _adjoint(native: Any, problem: Problem, implementation: Implementation, quick: bool) -> dict[str, str]:
    """A product against the framework's own product on the other side, by its main implementation."""
    quantity = implementation.quantity
    if quantity not in OTHER or OTHER[quantity] not in problem.case.quantities:
        return {}
    asked = replace(problem, quantity=_reference.find_quantity(OTHER[quantity]))
    if _reference.missing(problem.case, asked.quantity, problem.dtype, problem.framework):
        return {}
    other = _main(OTHER[quantity], problem.framework)
    try:
        opposite = _execute.execute(asked, other, quick=quick).result
    except Exception as error:  # a framework may raise anything; that is a matter of the other cell
        return {"adjoint": f"note: {other.name} raised {type(error).__name__}"}
    by_name = {quantity: native, other.quantity: opposite}
    case = problem.case
    names = ("params",) if case.wrt == "params" and case.p else problem.arguments
    vectors = {"jvp": problem.cotangents, "vjp": {name: problem.tangents[name] for name in names}}
    pairs = {name: list(_pairs(by_name[name], vectors[name], problem, name)) for name in OTHER}
    return {"adjoint": _checks.adjoint(pairs["jvp"], pairs["vjp"], problem.dtype)}


def _main(quantity: str, framework: str) -> Implementation:
    """The main implementation of a product is called as the quantity; JAX's is jitted."""
    return implementations(quantity)[f"{framework}_{quantity}" + ("_jit" if framework == "jax" else "")]


def _pairs(
    native: Any, vectors: Mapping[str, Any], problem: Problem, quantity: str
) -> Iterator[tuple[np.ndarray, np.ndarray, Leaf]]:
    """Each vector with the product and its leaf; a bare product belongs to the only vector."""
    truth = _reference.reference(problem.case, quantity, dtype=problem.dtype, framework=problem.framework).leaves
    found = receive(native, list(truth), problem.dtype)
    for name, vector in _numbers(vectors, problem).items():
        path = "" if "" in truth else name
        yield np.reshape(vector, found[path].shape), found[path], truth[path]


def _aux(native: Any, problem: Problem, implementation: Implementation) -> dict[str, str]:
    """Every aux that the quantity returns beside its derivative against what the program itself returns."""
    if implementation.quantity != "jacobian_aux":
        return {}
    truth = _reference.reference(problem.case, "jacobian_aux", dtype=problem.dtype, framework=problem.framework)
    found = receive(native, list(truth.leaves), problem.dtype)
    ways = [_numbers(way, problem) for way in _own(problem)]
    said = {
        path: _checks.aux(
            found[path], [way[path] for way in ways], leaf, problem.dtype, implementation.variant == "eager"
        )
        for path, leaf in truth.leaves.items()
        if path.startswith("aux/")
    }
    wrong = [f"{path} is {line}" for path, line in said.items() if line != "ok"]
    return {"aux": "; ".join(wrong) or "ok"}


def _own(problem: Problem) -> Iterator[dict[str, Any]]:
    """The program's own aux: of the whole batch, of one example at a time, and of all examples mapped."""

    def aux(*inputs: Any) -> dict[str, Any]:
        return {f"aux/{name}": array for name, array in problem.outputs_and_aux(problem.params, *inputs)[1].items()}

    def one(*inputs: Any) -> dict[str, Any]:
        return {name: array[0] for name, array in aux(*(x[None] for x in inputs)).items()}

    with problem.precision():
        yield aux(*problem.inputs)
        if _execute.independent(problem.case):
            rows = [one(*row) for row in zip(*problem.inputs, strict=True)]
            yield {name: problem.xp.stack([row[name] for row in rows]) for name in rows[0]}
            yield problem.transforms.vmap(one)(*problem.inputs)


def _numbers(arrays: Mapping[str, Any], problem: Problem) -> dict[str, np.ndarray]:
    """float64 on the host, under the same names."""
    native = _problem.adapter(problem.framework).to_numpy(dict(arrays))
    return {name: np.asarray(array, dtype=np.float64) for name, array in leaves(native).items()}
