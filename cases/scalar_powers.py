"""Functions of one number and their derivatives to order 4: `x^4` at 1 has 4, 12, 24 and 24.

The points are numbers that float32 holds, and the tangent is 1, so that the derivatives along it are f''' and f''''.
"""

from xcheck import Case, Literal, implements

POINTS = ((1.0,), (-1.5,), (0.5,), (2.0,), (-0.25,))
ONES = ((1.0,),) * len(POINTS)


def powers(xp, x):
    return x**4, 4 * x**3, 12 * x**2, 24 * x, 24 * xp.ones_like(x)


def sine(xp, x):
    return xp.sin(x), xp.cos(x), -xp.sin(x), -xp.cos(x), xp.sin(x)


def exponential(xp, x):
    return (xp.exp(x),) * 5


def hyperbolic_tangent(xp, x):
    y = xp.tanh(x)
    d = 1 - y**2
    return y, d, -2 * y * d, (6 * y**2 - 2) * d, (16 - 24 * y**2) * y * d


FORMULAS = {
    "scalar_powers": powers,
    "scalar_sin": sine,
    "scalar_exp": exponential,
    "scalar_tanh": hyperbolic_tangent,
}


def scalar(name, program, doc):
    return Case(
        name=name,
        program=program,
        params={},
        inputs={"x": Literal(POINTS)},
        wrt="x",
        tangents={"x": Literal(ONES), "output": Literal(ONES)},
        quantities=(
            "value", "jacobian_inputs", "jacobian_batch", "jvp", "vjp", "hessian_inputs", "third_derivative",
            "fourth_derivative",
        ),
        tier="smoke" if name == "scalar_powers" else "standard",
        doc=doc,
    )  # fmt: skip


cases = (
    scalar("scalar_powers", lambda xp, params, inputs: inputs["x"] ** 4, "x^4 at 1, -1.5, 0.5, 2, -0.25"),
    scalar("scalar_sin", lambda xp, params, inputs: xp.sin(inputs["x"]), "sin x at the same points"),
    scalar("scalar_exp", lambda xp, params, inputs: xp.exp(inputs["x"]), "exp x at the same points"),
    scalar("scalar_tanh", lambda xp, params, inputs: xp.tanh(inputs["x"]), "tanh x at the same points"),
)


def closed_form(quantity, order, axes):
    """Registers derivative `order` of each formula, with `axes` behind the batch."""

    def derivative(problem):
        (x,) = problem.inputs
        found = FORMULAS[problem.case.name](problem.xp, x)[order]
        return problem.xp.reshape(found, (x.shape[0], *axes))

    implements(quantity, "closed_form_scalar", "torch", cases="scalar_*")(derivative)
    implements(quantity, "closed_form_scalar", "jax", variants=("eager", "jit"), cases="scalar_*")(derivative)


closed_form("jacobian_inputs", 1, (1, 1))
closed_form("hessian_inputs", 2, (1, 1, 1))
closed_form("third_derivative", 3, (1,))
closed_form("fourth_derivative", 4, (1,))
