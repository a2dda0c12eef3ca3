"""Every shipped case: its stored numbers, its program in both frameworks, its references, and no vacuous one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import xcheck
from xcheck import Case, CaseError, Computed, Linspace, Literal, LogNormal, Mismatch, Normal, Stored, _judge, _store
from xcheck._dtypes import UNIT
from xcheck._load import shipped_folder
from xcheck._rebuild import vectors
from xcheck._reference import ensure, file_name, missing, reference
from xcheck._stored import CHECKSUMS, checksums, list_checksums
from xcheck.arrays import stored_path
from xcheck.exact.certify import by_convention
from xcheck.program import Linear, Sequential, Tanh
from xcheck.quantities import load_quantities
from xcheck.quantity import FRAMEWORKS

CASES = xcheck.load_cases()
QUANTITIES = load_quantities()
SHIPPED = {name: case for name, case in CASES.items() if case.tier != "full"}
MEGABYTE = 2**20
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
shipped_case = pytest.mark.parametrize("case", SHIPPED.values(), ids=SHIPPED)


@cache
def descriptors(case: Case) -> list[Descriptor]:
    """Of every array of a case, the drawn tangents and cotangents among them."""
    declared = [*case.params.values(), *case.inputs.values(), *vectors(case), *case.tangents.values()]
    return declared if case.targets is None else [*declared, case.targets]


def differs(descriptor: Descriptor, folder: Path | None) -> bool:
    """Whether the stored bytes are not what the descriptor computes.

    Uniform, Linspace, Integers and Literal need no libm, so their bytes are the same everywhere. A log, an exp or a
    sine may differ by one float64 unit between machines, and so by one float32 unit after rounding.
    """
    stored, made = descriptor.load(folder), descriptor.make(folder)
    if stored.shape != made.shape or stored.dtype != made.dtype:
        return True
    if not isinstance(descriptor, (Normal, LogNormal, Computed)):
        return stored.tobytes() != made.tobytes()
    narrow = np.float64 if descriptor.dtype == "float64" else np.float32
    return bool((np.abs(stored - made) > np.spacing(np.abs(stored).astype(narrow))).any())


@every_case
def test_stored_values_are_what_the_descriptors_say(case):
    assert [repr(d) for d in descriptors(case) if differs(d, case.folder)] == []


@every_case
def test_values_of_a_case_are_stored_beside_it(case):
    bare = [d for d in descriptors(case) if not isinstance(d, Stored)]
    assert [repr(d) for d in bare if not Path(stored_path(d, case.folder) or "").exists()] == []


def test_a_stored_value_that_was_changed_is_noticed(tmp_path):
    for descriptor in (Linspace(0, 1, (5,)), Normal((5,), seed=1)):
        values = descriptor.make()
        values[3] *= 1 + 2.0**-21
        path = tmp_path / f"{descriptor.digest}.npy"
        np.save(path, values)
        list_checksums(tmp_path, [path.name], [path.read_bytes()])
        assert differs(descriptor, tmp_path)
    assert not differs(Literal((1.0, 2.0)), tmp_path)


def test_no_stored_file_is_left_over():
    """Every file under values/ and references/ belongs to a case."""
    folder = shipped_folder()
    wanted = {path.name for case in CASES.values() for d in descriptors(case) if (path := stored_path(d, case.folder))}
    wanted |= {d.file for case in CASES.values() for d in declared_files(case)}
    assert {path.name for path in (folder / "values").iterdir()} - wanted == {CHECKSUMS}
    assert {path.name for path in (folder / "values").iterdir()} == {CHECKSUMS, *checksums(folder / "values")}
    named = {
        name for case in CASES.values() for quantity in case.quantities for name in reference_names(case, quantity)
    }
    assert {path.name for path in (folder / "references").iterdir()} - named == set()


def declared_files(case: Case) -> list[Stored]:
    """The stored archives that a case reads, also through what is computed from them."""
    return [
        source for d in descriptors(case) for source in (d, *getattr(d, "sources", ())) if isinstance(source, Stored)
    ]


def frameworks(case: Case, quantity: str) -> tuple[str | None, ...]:
    """On kinks each framework has a reference of its own."""
    return FRAMEWORKS if by_convention(case, QUANTITIES[quantity]) else (None,)


def reference_names(case: Case, quantity: str) -> list[str]:
    return [file_name(case, QUANTITIES[quantity], "float64", one) for one in frameworks(case, quantity)]


@shipped_case
def test_references_are_shipped(case):
    """The smoke and the standard tier compute no reference: what they judge by comes with the wheel."""
    folder = _store.folders()[0]
    names = [name for q in case.quantities for name in reference_names(case, q)]
    assert [name for name in names if not (folder / name).exists()] == []


def test_what_is_shipped_stays_small():
    def size(folder: Path) -> float:
        return sum(path.stat().st_size for path in folder.rglob("*") if "__pycache__" not in path.parts) / MEGABYTE

    cases, package = shipped_folder(), Path(xcheck.__file__).parent
    assert size(cases / "references") < 22
    assert size(cases) + size(package) < 32


def known(case: Case) -> list[str]:
    """Quantities with a reference; a missing one is found by another test, and not made here."""
    return [q for q in case.quantities if not missing(case, QUANTITIES[q])]


def undecided(case: Case) -> list[str]:
    """Quantities of which float32 determines less than half: a wrong result could hide there."""
    dtype = "float32" if case.holds_in_float32 else "float64"
    shares = {
        q: _judge.shares(reference(case, q, dtype=dtype, framework=framework), dtype)[1]
        for q in known(case)
        for framework in frameworks(case, q)
    }
    return [f"{case.name}/{q}: {share:.2f} decided" for q, share in shares.items() if share < 0.5]


@every_case
def test_cases_are_not_vacuous(case):
    assert undecided(case) == []


def test_a_vacuous_case_is_noticed(tmp_path, monkeypatch):
    """tanh saturated at 16 and more: nearly all of its derivative lies below the rounding of 1 - y^2."""
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    flat = Case(
        name="saturated",
        program=Sequential(Linear(1, 1, bias=False), Tanh()),
        params={"0.weight": Literal(((1.0,),))},
        inputs={"x": Linspace(8, 16, (10, 1))},
        quantities=("jacobian_params",),
    )
    ensure(flat, QUANTITIES["jacobian_params"])
    assert undecided(flat) == ["saturated/jacobian_params: 0.00 decided"]


@pytest.mark.parametrize("name", ["convolution", "frozen_middle", "td_semigradient"])
def test_the_ggn_is_as_far_from_the_hessian_as_it_is_large(name):
    """Else a library that returns one for the other would be off by a little only."""
    G, H = (reference(CASES[name], quantity).value for quantity in ("ggn", "hessian_params"))
    assert np.linalg.norm(H - G) > np.linalg.norm(G) / 2


@shipped_case
def test_no_branch_lies_within_rounding(case):
    """A comparison within 64 * 2^-24 of its rounding scale could honestly fall either way in float32."""
    assert reference(case, "value").margin > 64 * UNIT["float32"]


def test_conventions_decide_on_kinks():
    """PyTorch takes 0 for the derivative of abs at 0, JAX 1; the entries away from the kink are the same."""
    torch, jax = (reference("abs_at_kinks", "jacobian_params", framework=framework) for framework in FRAMEWORKS)
    kink = torch.value != jax.value
    assert torch.status == jax.status == "convention"
    assert not torch.value[kink].any()
    assert kink.any()
    assert not kink.all()


@shipped_case
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_both_frameworks_compute_the_certified_value(case, framework, dtype):
    """The real torch.nn.Module, JAX's function and the exact program are one function."""
    if dtype == "float32" and not case.holds_in_float32:
        pytest.skip("float32 cannot hold its data")
    xcheck.check(value(case, framework, dtype), case, "value", dtype=dtype)


def value(case, framework, dtype):
    problem = xcheck.problem(case, "value", framework, dtype=dtype)
    with problem.precision():
        outputs = problem.outputs(problem.params, *problem.inputs)
    return outputs if len(outputs) > 1 else outputs["output"]


def test_a_program_that_differs_between_the_frameworks_is_noticed():
    case = CASES["tanh_mlp"]
    wrong = replace(case, native={"torch": lambda params, x: case.program.torch()(x.float()).to(x.dtype)})
    with pytest.raises(Mismatch):
        xcheck.check(value(wrong, "torch", "float64"), case, "value", dtype="float64")


def test_parameters_in_the_order_of_the_forward_pass_are_noticed():
    """What `head_first` is for: a library that takes the parameters as it meets them."""
    problem = xcheck.problem("head_first", "gradient", "torch")
    (x,), y = problem.inputs, problem.targets
    problem.loss_module(problem.module(x), y).backward()
    head, body = problem.module.head, problem.module.body
    order = [p.grad.flatten() for child in (head, body) for p in child.parameters()]
    met = [p.grad.flatten() for child in (body, head) for p in child.parameters()]
    problem.check(problem.xp.concat(order))
    with pytest.raises(Mismatch, match=r"has its layers in the order body\.0, head"):
        problem.check(problem.xp.concat(met))


@every_case
def test_a_case_says_what_it_is(case):
    assert case.doc
    assert case.quantities
    assert set(case.quantities) <= set(QUANTITIES)
    assert case.tier in ("smoke", "standard", "full")
    assert "value" in case.quantities


def test_a_file_without_a_case_is_refused(tmp_path):
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(CaseError, match="declares no case"):
        xcheck.load_cases(tmp_path)
