"""A framework's derivative program is no truth, not even in arithmetic without rounding.

JAX differentiates `tanh` by a rule of a user that is wrong by one part in 10^9. The program that JAX derives from it
is evaluated in ball arithmetic: the result is certified to 30 digits, and wrong. xcheck's own rules, on the primal
program, and the rule-free enclosure agree with each other and with the truth.

    python docs/experiments/derivative_program.py
"""

from __future__ import annotations

from typing import Any

import flint
import jax
import numpy as np

from xcheck.exact.balls import Balls, precision
from xcheck.exact.jets import Jets
from xcheck.exact.namespace import Array, Namespace
from xcheck.exact.rulefree import enclosure

POINT = 0.75


@jax.custom_jvp
def f(x: Any) -> Any:
    return jax.numpy.tanh(x)


@f.defjvp
def slope(primals: Any, tangents: Any) -> Any:
    y = f(primals[0])
    return y, (1 + 1e-9) * (1 - y * y) * tangents[0]


OPERATIONS = {
    "tanh": lambda xp, x: xp.tanh(x),
    "mul": lambda xp, a, b: a * b,
    "sub": lambda xp, a, b: a - b,
    "add": lambda xp, a, b: a + b,
    "convert_element_type": lambda xp, x: x,
}


def evaluate(xp: Namespace, jaxpr: Any, *arguments: Any) -> Any:
    """The program that JAX derived, operation by operation, in the arithmetic of xp."""
    known = dict(zip(jaxpr.jaxpr.invars, arguments, strict=True))

    def read(variable: Any) -> Any:
        return xp.asarray(float(variable.val)) if hasattr(variable, "val") else known[variable]

    for equation in jaxpr.jaxpr.eqns:
        operands = [read(variable) for variable in equation.invars]
        inner = equation.params.get("call_jaxpr") or equation.params.get("jaxpr")
        name = equation.primitive.name
        known[equation.outvars[0]] = evaluate(xp, inner, *operands) if inner else OPERATIONS[name](xp, *operands)
    return read(jaxpr.jaxpr.outvars[0])


def main() -> dict[str, Any]:
    """The derivative of tanh at POINT by four ways, as balls."""
    with jax.enable_x64(True):
        program = jax.make_jaxpr(jax.grad(f))(POINT)
    with precision(128):
        balls = Namespace(Balls())
        derived = evaluate(balls, program, balls.asarray(POINT)).value[()]
        jets = Jets(Balls(), 1)
        moving = Array(Namespace(jets), jets.lift(Balls().literal(POINT), np.full((1,), flint.arb(1))))
        own = moving.xp.tanh(moving).value.coefficients[1][0]
        closed = 1 - flint.arb(POINT).tanh() ** 2

    def line(alg: Any, t: Any) -> np.ndarray:
        return alg.call("tanh", np.array([alg.number(POINT) + t], dtype=object))

    (proven,) = enclosure(line, 1)
    return {"derived by JAX": derived, "xcheck's rules": own, "rule-free": proven, "1 - tanh(x)^2": closed}


if __name__ == "__main__":
    for name, ball in main().items():
        print(f"{name:>16}  {ball.mid().str(24, radius=False)}  +/- {float(ball.rad()):.1e}")
