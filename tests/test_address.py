"""The address of a reference: whatever the reference depends on moves it, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xcheck
from xcheck import Case, Literal, Normal, _address
from xcheck._address import address, code, data_dtype, sources
from xcheck.exact import conventions
from xcheck.exact.trace import word
from xcheck.program import Linear, Sequential, Tanh, cross_entropy, mse
from xcheck.quantities import load_quantities

QUANTITIES = load_quantities()
W = np.array([[1.0, -0.5], [0.25, 2.0]])


def program(xp: Any, params: Any, inputs: Any) -> Any:
    hidden = xp.clip(inputs["x"] @ params["w"] + params["b"] * inputs["z"], -1.0, 1.0)
    return {"y": hidden}, {"aux": xp.tanh(hidden)}


CASE = Case(
    name="addressed",
    program=program,
    params={"w": Literal(W), "b": Literal((0.5, 0.25))},
    inputs={"x": Normal((3, 2), seed=1), "z": Normal((3, 2), seed=2)},
    targets=Normal((3, 2), seed=3),
    loss=mse(),
    wrt=("x", "z"),
    tangents={"x": Normal((3, 2), seed=4)},
)


def other(change: Callable[[Any, Any, Any], Any]) -> dict[str, Any]:
    return {"program": change}


#: Every field of a case that a reference depends on, changed in the ways that an honest or a hostile author may.
CHANGES: dict[str, dict[str, Any]] = {
    "name": {"name": "another"},
    "wrt, one": {"wrt": "x"},
    "wrt, order": {"wrt": ("z", "x")},
    "wrt, params": {"wrt": "params"},
    "names of parameters": {
        "params": {"v": Literal(W), "b": Literal((0.5, 0.25))},
        **other(lambda xp, p, i: program(xp, {"w": p["v"], "b": p["b"]}, i)),
    },
    "order of parameters": {"params": {"b": Literal((0.5, 0.25)), "w": Literal(W)}},
    "bytes of parameters": {"params": {"w": Literal(W + 2.0**-20), "b": Literal((0.5, 0.25))}},
    "shape of parameters": {"params": {"w": Literal(W), "b": Literal(((0.5, 0.25),))}},
    "names of arguments": {
        "inputs": {"u": Normal((3, 2), seed=1), "z": Normal((3, 2), seed=2)}, "wrt": ("u", "z"),
        "tangents": {"u": Normal((3, 2), seed=4)}, **other(lambda xp, p, i: program(xp, p, {"x": i["u"], "z": i["z"]})),
    },
    "order of arguments": {"inputs": {"z": Normal((3, 2), seed=2), "x": Normal((3, 2), seed=1)}},
    "bytes of inputs": {"inputs": {"x": Normal((3, 2), seed=1), "z": Normal((3, 2), seed=5)}},
    "bytes of targets": {"targets": Normal((3, 2), seed=6)},
    "loss": {"loss": cross_entropy(), "targets": Literal((0, 1, 1))},
    "reduction": {"loss": mse("sum")},
    "no loss": {"loss": None, "targets": None},
    "tangents": {"tangents": {"x": Normal((3, 2), seed=7)}},
    "a drawn tangent": {"tangents": {}},
    "a cotangent": {"tangents": {"x": Normal((3, 2), seed=4), "y": Normal((3, 2), seed=8)}},
    "one byte of a tangent": {"tangents": {"x": Literal(Normal((3, 2), seed=4).make() * (1 + 2.0**-52), "float64")}},
    "kinks": {"kinks": True},
    "names of outputs": other(lambda xp, p, i: ({"v": program(xp, p, i)[0]["y"]}, program(xp, p, i)[1])),
    "shape of outputs": {"loss": None, "targets": None}
    | other(lambda xp, p, i: ({"y": program(xp, p, i)[0]["y"][:, :1]}, program(xp, p, i)[1])),
    "a second output": other(
        lambda xp, p, i: ({**program(xp, p, i)[0], "v": program(xp, p, i)[0]["y"] * 2.0}, program(xp, p, i)[1])
    ),
    "names of aux": other(lambda xp, p, i: (program(xp, p, i)[0], {"v": program(xp, p, i)[1]["aux"]})),
    "another aux": other(lambda xp, p, i: (program(xp, p, i)[0], {"aux": xp.sin(program(xp, p, i)[0]["y"])})),
    "no aux": other(lambda xp, p, i: program(xp, p, i)[0]),
    "the kind of a kink": other(
        lambda xp, p, i: (
            {"y": xp.nn.hardtanh(i["x"] @ p["w"] + p["b"] * i["z"])}, {"aux": xp.tanh(program(xp, p, i)[0]["y"])}
        )
    ),
}  # fmt: skip
#: What a case says of itself for other ends: no number of a reference depends on it. What is sampled moves the address
#: of its own quantity alone (`test_sampled_examples`).
APART = {"sampled", "quantities", "native", "since", "doc", "tier", "folder"}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("quantity", ["value", "vjp"])
def test_a_changed_case_has_another_address(change: str, quantity: str) -> None:
    changed = replace(CASE, **CHANGES[change])
    assert address(changed, QUANTITIES[quantity], "float64") != address(CASE, QUANTITIES[quantity], "float64")


def test_every_field_is_changed_or_known_to_stand_apart() -> None:
    varied = {field for change in CHANGES.values() for field in change}
    assert {field.name for field in fields(Case)} == varied | APART


@pytest.mark.parametrize(("field", "value"), [("doc", "x"), ("since", "9"), ("tier", "full"), ("quantities", ("jvp",))])
def test_what_stands_apart_moves_nothing(field: str, value: Any) -> None:
    changed = replace(CASE, **{field: value})
    assert address(changed, QUANTITIES["value"], "float64") == address(CASE, QUANTITIES["value"], "float64")


def test_all_addresses_differ() -> None:
    found = {address(replace(CASE, **change), QUANTITIES["value"], "float64") for change in CHANGES.values()}
    assert len(found) == len(CHANGES)


def two(program: Callable[[Any, Any], Any]) -> str:
    """The address of a program of two 0-d numbers of one value."""
    case = Case(
        name="products",
        program=lambda xp, p, i: i["x"] * program(p["a"], p["b"]),
        params={"a": Literal(1.5), "b": Literal(1.5)},
        inputs={"x": Literal((1.0, 2.0))},
    )
    return address(case, QUANTITIES["gradient"], "float64")


def test_products_of_equal_value_stay_apart() -> None:
    found = {two(f) for f in (lambda a, b: a * b * a, lambda a, b: a * b * b, lambda a, b: b * a * a)}
    assert len(found) == 3


def test_the_layers_of_one_chain_of_operations_stay_apart() -> None:
    """KFAC factors and propagated diagonals go by layers, so where a layer begins is part of the case."""

    def case(net: Any) -> Case:
        return replace(
            CASE, program=net, params=net.init(1), inputs={"x": Normal((3, 2), 1)}, wrt="params", tangents={}
        )

    whole = case(Sequential(Linear(2, 2), Tanh()))
    one = replace(whole, program=lambda xp, p, i: Sequential(Linear(2, 2), Tanh())(xp, p, i))
    assert address(whole, QUANTITIES["ggn"], "float64") != address(one, QUANTITIES["ggn"], "float64")


def test_a_scalar_index_is_its_value() -> None:
    def indexed(k: Any) -> str:
        return address(
            replace(CASE, program=lambda xp, p, i: i["x"][:, k], loss=None, targets=None),
            QUANTITIES["value"],
            "float64",
        )

    assert indexed(np.int64(1)) == indexed(np.int64(1)) != indexed(np.int64(0))
    assert indexed(np.array(1)) == indexed(np.array(1))


def test_dtypes_share_a_reference_where_they_share_the_data() -> None:
    fine = replace(CASE, tangents={"x": Literal(np.full((3, 2), 0.1), "float64")})
    assert data_dtype(CASE, "float32") == "float64"
    assert data_dtype(fine, "float32") == "float32"
    assert data_dtype(CASE, "bfloat16") == "bfloat16"
    jvp = QUANTITIES["jvp"]
    assert address(fine, jvp, "float32") != address(fine, jvp, "float64")
    assert address(CASE, jvp, "float32") == address(CASE, jvp, "float64")


def test_quantities_and_conventions_have_addresses_of_their_own() -> None:
    found = {address(CASE, QUANTITIES[name], "float64") for name in ("value", "jvp", "vjp", "jacobian_inputs")}
    assert len(found) == 4
    kinked = replace(CASE, kinks=True)
    jvp = {address(kinked, QUANTITIES["jvp"], "float64", framework) for framework in ("torch", "jax")}
    assert len(jvp) == 2
    assert len({address(kinked, QUANTITIES["value"], "float64", one) for one in ("torch", "jax", None)}) == 1


def test_a_changed_rule_serves_no_old_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    before = address(CASE, QUANTITIES["value"], "float64")
    monkeypatch.setattr(_address, "rules", lambda: "changed")
    assert address(CASE, QUANTITIES["value"], "float64") != before


def test_the_rules_are_the_sources_of_the_exact_arithmetic(tmp_path: Path) -> None:
    folder = Path(conventions.__file__).parent
    files = sorted(folder.rglob("*.py"))
    assert _address.rules() == sources(files, folder)
    for file in files:
        copy = tmp_path / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text())
    copies = sorted(tmp_path.rglob("*.py"))
    assert sources(copies, tmp_path) == _address.rules()
    copies[-1].write_text(copies[-1].read_text() + "\n# why\n")
    assert sources(copies, tmp_path) == _address.rules()
    copies[-1].write_text(copies[-1].read_text() + "\nONE = 1\n")
    assert sources(copies, tmp_path) != _address.rules()


def test_a_comment_and_a_docstring_are_no_code() -> None:
    bare = "def f(x):\n    return x + 1"
    assert code(f'"""Says."""\n\n# why\n{bare}\n') == code(bare)
    assert code('def f(x):\n    """Says\n\n    more."""\n    return x + 1') == code(bare)
    assert code(bare.replace("1", "2")) != code(bare)
    assert code("x = 1\n'text'") != code("x = 1\n'other'")


def test_a_foreign_object_has_no_word() -> None:
    with pytest.raises(xcheck.XCheckError, match="an operand of type object has no place in a program"):
        word(object())


def test_words_say_everything() -> None:
    operands = [1, 1.0, True, "1", None, (1,), (1, 1), ((1,), 1), slice(1), slice(1, None), slice(None, 1, 2), ...,
                np.array(1), np.array([1]), np.array(1.0), np.array(1, np.int32), np.array([[1]])]  # fmt: skip
    assert len({word(one) for one in operands}) == len(operands)
