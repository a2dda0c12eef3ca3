"""The table of conventions against the installed frameworks, at points where two branches meet exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import flint
import numpy as np
import pytest

import xcheck
from xcheck import Case, Literal, _rebuild
from xcheck._errors import NoReference, Undecidable
from xcheck._lazy import installed, jax, torch
from xcheck._reference import ensure, missing
from xcheck.exact.balls import Balls, precision
from xcheck.exact.conventions import SHARED, TIES
from xcheck.exact.jets import Jets
from xcheck.exact.namespace import Array, Namespace
from xcheck.exact.probe import Probe
from xcheck.exact.rulefree import enclosure
from xcheck.quantities import load_quantities

Function = Callable[[Any, Any], Any]


def four(xp: Any, x: Any) -> Any:
    """Three entries of four tie at 0; their slopes 2, 1, 6 tell the first from the mean."""
    return xp.reshape(xp.stack([2 * x, x, 6 * x, x - 1]), (1, 1, 4))


#: kind, function, point; numbers that every dtype holds, so that the derivatives are compared exactly.
KINKS: tuple[tuple[str, Function, float], ...] = (
    ("abs", lambda xp, x: xp.abs(x), 0.0),
    ("abs", lambda xp, x: xp.abs(x) * xp.abs(x), 0.0),
    ("relu", lambda xp, x: 3 * xp.nn.relu(x), 0.0),
    ("leaky_relu", lambda xp, x: xp.nn.leaky_relu(x, 0.125), 0.0),
    ("elu", lambda xp, x: xp.nn.elu(x, 1.5), 0.0),
    ("hardtanh", lambda xp, x: xp.nn.hardtanh(x), -1.0),
    ("hardtanh", lambda xp, x: xp.nn.hardtanh(x), 1.0),
    ("hardtanh", lambda xp, x: xp.nn.hardtanh(x, -0.5, 0.5), 0.5),
    ("clip", lambda xp, x: xp.clip(x, min=-1.0, max=1.0), -1.0),
    ("clip", lambda xp, x: xp.clip(x, max=0.0), 0.0),
    ("maximum", lambda xp, x: xp.maximum(3 * x, x), 0.0),
    ("minimum", lambda xp, x: xp.minimum(3 * x, x), 0.0),
    ("huber", lambda xp, x: xp.nn.huber(x, 0 * x, 2.0), 2.0),
    ("softplus", lambda xp, x: xp.nn.softplus(x, threshold=0.0), 0.0),
    ("where", lambda xp, x: xp.where(x > 0, 3 * x, x), 0.0),
    ("where", lambda xp, x: xp.where(x >= 0, 3 * x, x), 0.0),
    ("max", lambda xp, x: xp.max(four(xp, x), axis=(1, 2))[0], 0.0),
    ("max_pool", lambda xp, x: xp.nn.max_pool1d(four(xp, x), 4)[0, 0, 0], 0.0),
)
NAMES = [f"{kind}_{k}" for k, (kind, _, _) in enumerate(KINKS)]


def in_torch(f: Function, point: float) -> list[float]:
    from xcheck.frameworks.torch import xp

    x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    y, found = f(xp, x), []
    for _ in range(2):
        y = torch.autograd.grad(y, x, create_graph=True)[0] if y.requires_grad else torch.zeros(())
        found.append(y.item())
    return found


def in_jax(f: Function, point: float) -> list[float]:
    from xcheck.frameworks.jax import precision, xp

    with precision("float64"):
        first = jax.grad(lambda x: f(xp, x))
        return [float(first(point)), float(jax.grad(first)(point))]


def in_balls(f: Function, point: float, framework: str) -> list[float]:
    with precision(128):
        jets = Jets(Balls(), 2)
        moving = jets.lift(Balls().literal(point), np.full((1,), flint.arb(1)))
        xp = Namespace(jets, framework)
        _, first, second = f(xp, Array(xp, moving)).value.coefficients
        return [0.0 if c is None else float(k * c.ravel()[0]) for k, c in ((1, first), (2, second))]


MEASURED = {"torch": in_torch, "jax": in_jax}


@pytest.mark.parametrize("framework", [name for name in MEASURED if installed(name)])
@pytest.mark.parametrize(("kind", "f", "point"), KINKS, ids=NAMES)
def test_the_table_is_what_the_framework_does(kind: str, f: Function, point: float, framework: str) -> None:
    measured = MEASURED[framework](f, point)
    if kind in TIES and TIES[kind][framework] is None:
        # No weight of the two branches gives the first and the second derivative that were measured.
        found = []
        for weight in (0.0, 1.0):
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(TIES[kind], framework, weight)
                found.append(in_balls(f, point, framework))
        assert measured not in found
        with pytest.raises(Undecidable, match="kink"):
            in_balls(f, point, framework)
    else:
        assert in_balls(f, point, framework) == measured


@pytest.mark.parametrize(("kind", "f", "point"), KINKS, ids=NAMES)
def test_without_a_framework_nothing_is_guessed(kind: str, f: Function, point: float) -> None:
    with pytest.raises(Undecidable):
        in_balls(f, point, None)  # type: ignore[arg-type]

    def line(alg: Any, t: Any) -> np.ndarray:
        xp = Namespace(alg)
        return np.reshape(f(xp, Array(xp, np.asarray(alg.number(point) + t, dtype=object))).value, (1,))

    with pytest.raises(Undecidable):
        enclosure(line, 1)


def test_every_kind_is_measured() -> None:
    assert {kind for kind, _, _ in KINKS} == TIES.keys() | SHARED.keys()


KINKED = Case(
    name="kinked",
    program=lambda xp, params, inputs: xp.abs(params["w"] * inputs["x"]),
    params={"w": Literal((3.0,))},
    inputs={"x": Literal(((0.0,), (-1.0,)))},
    kinks=True,
)


def test_references_on_kinks_are_conventions(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    found = {name: xcheck.reference(KINKED, "jacobian_inputs", framework=name) for name in ("torch", "jax")}
    assert {name: r.value.tolist() for name, r in found.items()} == {
        "torch": [[[0.0]], [[-3.0]]],
        "jax": [[[3.0]], [[-3.0]]],
    }
    assert {r.status for r in found.values()} == {"convention"}
    assert all(r.margin > 0.5 for r in found.values())
    with pytest.raises(NoReference, match="name a framework"):
        xcheck.reference(KINKED, "jacobian_inputs")
    assert xcheck.reference(KINKED, "value").status == "certified"


def test_a_tie_that_does_not_matter_is_no_kink(tmp_path, monkeypatch) -> None:
    """w moves |w x| at x = 0 not at all, so both branches have the same derivative."""
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    plain = replace(KINKED, name="plain", kinks=False)
    assert xcheck.reference(plain, "jacobian_params").value.tolist() == [[[0.0]], [[1.0]]]
    with pytest.raises(NoReference, match="kink"):
        xcheck.reference(plain, "jacobian_inputs")
    assert Probe(plain).framework is None


def test_conventions_of_every_framework_are_made_and_compared(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    jacobian = load_quantities()["jacobian_inputs"]
    assert missing(KINKED, jacobian)
    ensure(KINKED, jacobian)
    assert len(list((tmp_path / "references").iterdir())) == 2
    assert not missing(KINKED, jacobian)
    monkeypatch.setattr(_rebuild, "beside", lambda case: tmp_path / "references")
    assert _rebuild.rebuild(KINKED, jacobian) is None
    monkeypatch.setitem(TIES["abs"], "torch", 1.0)
    told = _rebuild.rebuild(KINKED, jacobian) or ""
    assert told.startswith("kinked/jacobian_inputs: 1 entries do not overlap what is made again")
