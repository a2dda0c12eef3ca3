"""Every implementation on small shipped cases, judged; and the judge is shown a fault in each quantity."""

import pytest

import xcheck
from xcheck._errors import Mismatch
from xcheck._execute import execute, unmet
from xcheck._problem import problem
from xcheck._tree import leaves
from xcheck.quantities import load_quantities
from xcheck.quantity import implementations

CASES = xcheck.load_cases()
QUANTITIES = load_quantities()
CELLS = [
    pytest.param(case, quantity, implementation, id=f"{case}/{quantity}/{implementation.name}")
    for case in ("linear_gaussian_quarter", "td_error_aux", "scalar_tanh")
    for quantity in CASES[case].quantities
    for implementation in implementations(quantity).values()
    if implementation.module.startswith("xcheck")  # ours, and those of the cases; what another test brings is its own
    # Eager JAX compiles every operation for itself, and torch.compile takes seconds: `xcheck verify` runs these, too.
    if implementation.variant != "compile"
    if implementation.framework == "torch" or (implementation.variant == "jit" and implementation.tier != "full")
]


@pytest.mark.parametrize(("case", "quantity", "implementation"), CELLS)
def test_it_agrees_with_the_reference_and_changes_nothing(case, quantity, implementation):
    made = problem(case, quantity, implementation.framework)
    reason = unmet(made, implementation)
    if reason:
        pytest.skip(reason)
    before = made.snapshot()
    made.check(execute(made, implementation).result)
    assert made.changed(before) is None


@pytest.mark.parametrize("quantity", list(QUANTITIES))
def test_a_last_bit_too_much_in_one_entry_is_seen(quantity):
    case = next(
        name
        for name in ("linear_gaussian_quarter", "scalar_tanh", "td_error_aux")
        if quantity in CASES[name].quantities
    )
    made = problem(case, quantity, "torch")
    found = execute(
        made, next(i for i in implementations(quantity).values() if (i.framework, i.cases) == ("torch", "*"))
    ).result
    path, array = next(iter(leaves(found).items()))
    wrong = array.detach().clone()
    wrong[(-1,) * wrong.ndim] *= 1 + 2.0**-40
    with pytest.raises(Mismatch):
        made.check({**leaves(found), path: wrong} if path else wrong)


@pytest.mark.parametrize("quantity", list(QUANTITIES))
def test_at_least_three_ways_in_each_framework(quantity):
    for framework in ("torch", "jax"):
        names = {i.function for i in implementations(quantity).values() if i.framework == framework}
        assert len(names) >= 3, f"{quantity} has {len(names)} {framework} implementations"
