"""The search for an explanation raises nothing, ends in time, and each of its decisions decides something."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from judging import leaf, reference
from zoo.planting import cell

import xcheck
from xcheck import Case, Normal, Outcome
from xcheck.arrays import rounded
from xcheck.diagnose import _explain, _search
from xcheck.diagnose._hypothesis import Evidence, candidate
from xcheck.diagnose._values import parameters

#: Outputs and inputs of none to four axes an example.
SHAPES = ((5,), (4, 1), (5, 3), (5, 3, 4), (4, 2, 2, 3), (3, 2, 1, 2, 2))


def elementwise(shape, wrt="x"):
    return Case(
        name="elementwise",
        program=lambda xp, params, inputs: xp.tanh(inputs["x"]) * inputs["x"],
        params={},
        inputs={"x": Normal(shape, seed=1)},
        wrt=wrt,
        quantities=("value", "jvp", "vjp", "jacobian_inputs"),
    )


def wrong_results(R):
    """A wrong result of every kind, from the right leaves."""
    draw = np.random.default_rng(1)

    def each(change):
        return {path: np.array(change(np.array(A))) for path, A in R.items()}

    def one_off(A):
        A.flat[A.size // 2] += 1 + abs(A.flat[A.size // 2])
        return A

    return {
        "doubled": each(lambda A: 2 * A),
        "negative": each(lambda A: -A),
        "moved": each(lambda A: A.T.reshape(A.shape)),
        "rolled": each(lambda A: np.roll(A, 1, axis=0) if A.ndim else A + 1),
        "zero": each(lambda A: 0 * A),
        "one": each(one_off),
        "offset": each(lambda A: A + 0.125),
        "single": each(lambda A: rounded(A, "float32")),
        "brain": each(lambda A: rounded(A, "bfloat16")),
        "noise": each(lambda A: A + np.max(np.abs(A)) * draw.standard_normal(A.shape)),
        "little": each(lambda A: A * (1 + 1e-7 * draw.standard_normal(A.shape))),
        "first": each(lambda A: np.broadcast_to(A[:1], A.shape) if A.ndim else 2 * A),
    }


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("quantity", ["value", "jvp", "vjp", "jacobian_inputs"])
def test_outputs_and_inputs_of_any_number_of_axes_are_diagnosed(shape, quantity):
    """`conftest.py` turns a search that fails into an error."""
    case = elementwise(shape)
    truth = xcheck.reference(case, quantity)
    for kind, wrong in wrong_results({path: one.value for path, one in truth.leaves.items()}).items():
        found = xcheck.judge(wrong if set(wrong) != {""} else wrong[""], case, quantity, dtype="float64")
        assert found or found.diagnosis, kind
        if kind == "doubled":
            assert [one.name for one in found.diagnosis if one.name == "factor"] == ["factor"]


@pytest.mark.parametrize("name", ["positions", "images"])
def test_every_quantity_of_outputs_of_several_axes_is_diagnosed(name):
    for quantity in xcheck.load_cases()[name].quantities:
        here = cell(name, quantity, "float64")
        # The whole search, of everything; all kinds where the axes of the outputs are in the result.
        kinds = wrong_results(here.exact.leaves)
        chosen = kinds if quantity in ("value", "jacobian_params") else ("moved", "noise")
        for kind in chosen:
            found = here.judge(kinds[kind])
            assert found or found.diagnosis, f"{quantity} {kind}"


def biased(shape):
    return Case(
        name="biased",
        program=lambda xp, params, inputs: xp.tanh(inputs["x"] * xp.sum(params["weight"]) + xp.sum(params["bias"])),
        params={"weight": Normal((2,), seed=1), "bias": Normal(shape, seed=2)},
        inputs={"x": Normal((4, 2), seed=3)},
        quantities=("value", "vjp"),
    )


@pytest.mark.parametrize("shape", [(), (1,), (3,), (6,), (2, 3)], ids=str)
def test_mistakes_are_offered_of_parameters_of_any_number_of_axes(shape):
    named = [mistake.name for mistake in parameters(biased(shape), "float64")]
    assert named == ["no_bias", "detached_parameter", "detached_parameter"]


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3), (1, 2, 3)], ids=str)
def test_parameters_of_any_number_of_axes_are_diagnosed(shape):
    case = biased(shape)
    for quantity in case.quantities:
        truth = xcheck.reference(case, quantity)
        for kind, wrong in wrong_results({path: one.value for path, one in truth.leaves.items()}).items():
            found = xcheck.judge(wrong[""], case, quantity, dtype="float64")
            assert found or found.diagnosis, f"{quantity} {kind}"


@pytest.mark.parametrize(("axes", "said"), [((0, 2, 1), "(n, c2, c1)"), ((1, 0, 2), "(c1, n, c2)")])
def test_axes_of_an_output_are_told_apart(axes, said):
    here = cell("positions", "value", "float64")
    wrong = {path: A.transpose(axes).reshape(A.shape) for path, A in here.exact.leaves.items()}
    assert f"has its entries in the order {said}, reshaped" in [e.text for e in here.judge(wrong).diagnosis]


def test_positions_of_an_output_in_another_order_are_found():
    here = cell("positions", "value", "float64")
    wrong = {path: A[:, [2, 0, 1]] for path, A in here.exact.leaves.items()}
    assert [e.text for e in here.judge(wrong).diagnosis] == ["has its outputs in the order [2, 0, 1] along c1"]


def planted(monkeypatch, hypothesis):
    monkeypatch.setattr(_explain, "PLACES", (hypothesis, *_explain.PLACES))
    here = cell("positions", "gradient", "float64")
    noise = np.random.default_rng(1).standard_normal(here.size)
    return here.judge({"": here.exact.leaves[""] + noise})


def raising(evidence, leaves):
    raise TypeError("a surrogate \ud800\nand a second line")
    yield


def test_a_hypothesis_that_raises_destroys_no_verdict(monkeypatch):
    monkeypatch.undo()  # as in use
    found = planted(monkeypatch, raising)
    assert found.outcome is Outcome.DISAGREES
    said = r"no explanation: the search itself failed (TypeError: a surrogate \ud800)"
    assert [(e.name, e.text) for e in found.diagnosis] == [("search_failed", said)]
    assert f"most likely  {said}" in found.text


def test_a_hypothesis_that_raises_is_an_error_in_the_tests(monkeypatch):
    with pytest.raises(TypeError, match="a surrogate"):
        planted(monkeypatch, raising)


def test_a_search_ends_in_time_and_says_so(monkeypatch):
    def endless(evidence, leaves):
        while True:
            yield candidate("endless", "is nothing", leaves)

    monkeypatch.setattr(_search, "SECONDS", 0.2)
    start = time.thread_time()
    found = planted(monkeypatch, endless)
    assert time.thread_time() - start < 5
    assert found.outcome is Outcome.DISAGREES
    assert [e.name for e in found.diagnosis] == ["unexplained"]
    assert found.diagnosis[0].text.startswith("none found in 0.2 s, after which the search was ended; the error is ")


def test_a_hypothesis_is_added_by_the_words_of_the_guide(monkeypatch):
    guide = (Path(xcheck.__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = guide.split("## Add a hypothesis", 1)[1].split("\n## ", 1)[0]
    code, names = re.findall(r"```python\n(.*?)```", section, re.DOTALL), re.findall(r"`([A-Z]+)`", section)
    assert [name for name in names if not isinstance(getattr(_explain, name), tuple)] == []
    made: dict = {}
    exec(compile(code[0], "CONTRIBUTING.md", "exec"), made)
    here = cell("positions", "per_example_gradients", "float64")
    wrong = {"": np.cumsum(here.exact.leaves[""], axis=0)}
    assert [e.name for e in here.judge(wrong).diagnosis] == ["unexplained"]
    monkeypatch.setattr(_explain, names[0], (*getattr(_explain, names[0]), made["running_sums"]))
    assert [e.name for e in here.judge(wrong).diagnosis] == ["running_sums"]


def evidence(actual, value, quantity="gradient", **options):
    case = xcheck.load_cases()["linear_gaussian_3_2"]
    known = {"reference": reference(value, quantity, case.name, **options), "related": lambda name: None}
    return Evidence(
        {"": np.float64(actual)},
        dtype="float64",
        case=case,
        quantity=xcheck._reference.find_quantity(quantity),
        **known,
    )


R = np.array([3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0, 23.0])


def test_only_candidates_with_which_the_result_agrees_are_accepted():
    asked = evidence(2 * R, R)
    doubled, tripled = (candidate("factor", f"{f}", {"": leaf(f * R)}) for f in (2.0, 3.0))
    found = _explain.accepted(asked, asked.reference.leaves, [tripled, doubled, doubled])
    assert found == (doubled.explanation,)


def test_a_look_at_some_entries_never_decides_against_what_fits():
    large = np.arange(1.0, 1001)
    asked = evidence(large, large)
    assert _explain.plausible(asked, {"": leaf(large)})
    assert not _explain.plausible(asked, {"": leaf(large + 1)})
    unseen = large.copy()
    unseen[1] += 1  # between the entries that are looked at: then all of them decide
    assert _explain.plausible(asked, {"": leaf(unseen)})
    assert (
        _explain.accepted(evidence(large, 2 * large), {"": leaf(2 * large)}, [candidate("a", "a", {"": leaf(unseen)})])
        == ()
    )


def test_a_coarse_scale_alone_explains_nothing():
    """The candidate is no nearer, but a scale of 1e16 makes anything agree."""
    asked = evidence(R + 1, R)
    coarse = {"": leaf(R - 1, scale=1e17)}
    assert _explain.plausible(asked, coarse)
    assert not _explain.halved(asked, asked.reference.leaves, coarse)
    assert _explain.accepted(asked, asked.reference.leaves, [candidate("coarse", "coarse", coarse)]) == ()
    nearer = {"": leaf(R + 0.75, scale=1e17)}
    assert _explain.halved(asked, asked.reference.leaves, nearer)
    assert not _explain.halved(asked, asked.reference.leaves, {"": leaf(R + 0.25, scale=1e17)})


@pytest.mark.parametrize(
    ("entries", "claimed"), [([3.0, 5, 7, 11], True), ([3.0, 6, 12, 24], False), ([3.0] * 4, False)]
)
def test_a_fitted_number_needs_wrong_entries_of_three_sizes(entries, claimed):
    asked = evidence(1.1 * np.array(entries), entries)
    fitted = {"": leaf(1.1 * np.array(entries))}
    assert _explain.proven(asked, asked.reference.leaves) is claimed
    for name, expected in (("scaled", claimed), ("x+offset", claimed), ("sign", True)):
        found = _explain.accepted(asked, asked.reference.leaves, [candidate(name, name, fitted)])
        assert (len(found) == 1) is expected


def test_a_name_goes_before_a_fitted_number():
    asked = evidence(2 * R, R)
    both = [candidate(name, name, {"": leaf(2 * R)}) for name in ("scaled", "factor", "offset")]
    assert [e.name for e in _explain.accepted(asked, asked.reference.leaves, both)] == ["factor"]


def test_a_first_cause_that_changes_nothing_is_no_cause():
    """All entries are the same, so that every order of theta leaves them where they are."""
    flat = np.full(8, 3.0)
    asked = evidence(2 * flat, flat)
    names = [e.name for e, _ in _explain.two(asked, asked.reference.leaves)]
    assert [name for name in names if name.startswith(("params_order", "weight_layout", "transposed"))] == []
    asked = evidence(2 * R, R)
    names = [e.name for e, _ in _explain.two(asked, asked.reference.leaves)]
    assert any(name.startswith("params_order+") for name in names)


def test_two_causes_are_not_fitted_to_entries_of_one_or_two_sizes():
    for value, fitted in (([3.0, 5.0] * 4, False), (R, True)):
        asked = evidence(1.1 * np.array(value)[::-1], value)
        names = {e.name for e, _ in _explain.two(asked, asked.reference.leaves)}
        assert ("params_order+scaled" in names) is fitted


def leaves_of(**leaves):
    truth = reference({"a": R, "b": R + 1, "aux/a": R}, "value", "linear_gaussian_3_2")
    actual = {"a": R, "b": R + 1, "aux/a": R, **{path.replace("__", "/"): A for path, A in leaves.items()}}
    return replace(evidence(R, R), reference=truth, actual=actual)


def test_some_leaves_are_explained_alone_where_the_others_are_right():
    said = [e.text for e in _explain.in_some_leaves(leaves_of(b=2 * (R + 1)))]
    assert said
    assert all(text.startswith("in b only: equals 2 x the reference") for text in said)
    assert _explain.in_some_leaves(leaves_of(a=2 * R, b=3 * R, aux__a=R + 1)) == ()
    assert _explain.in_some_leaves(leaves_of(aux__a=R**2 + 0.1))[0].name == "stale_aux"
    assert "stale_aux" not in [e.name for e in _explain.in_some_leaves(leaves_of(b=2 * R, aux__a=R**2 + 0.1))]


def test_where_a_mistake_shows_in_few_sizes_its_place_is_told_as_well(monkeypatch):
    """Zeros in one place prove no mistake in the program; numbers of three sizes do."""
    few, several = np.where(np.arange(8) == 3, 0.0, R), np.where(np.arange(8) % 3 == 1, R**2, R)
    for wrong, told in ((few, True), (several, False)):
        monkeypatch.setattr(
            _explain, "programs", lambda asked, leaves, A=wrong: iter([candidate("mistake", "mistake", {"": leaf(A)})])
        )
        asked = evidence(wrong, R)
        names = [e.name for e in _explain.mistaken(asked, asked.reference.leaves)]
        assert names[0] == "mistake"
        assert ("few_entries" in names) is told
