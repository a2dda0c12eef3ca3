"""`(x + 1)^2` transposed, with x = eye(4, 5), pulled back with ones: 4 on the diagonal and 2 elsewhere.

The published example calls `backward` twice on a retained graph and reads 8 and 4, since `.grad` accumulates; after
zeroing it reads 4 and 2 again. The pull-back itself is what the case asks for: an implementation that reads `.grad`
without zeroing it gives twice the reference.
"""

from xcheck import Case, Literal, implements

ROWS, COLUMNS = 4, 5


def squares(xp, params, inputs):
    return xp.matrix_transpose((params["x"] + 1) ** 2) * inputs["weight"]


retained_graph = Case(
    name="retained_graph",
    program=squares,
    params={"x": Literal(tuple(tuple(float(i == j) for j in range(COLUMNS)) for i in range(ROWS)))},
    # A row of the transposed output is an example; each has the weight 1.
    inputs={"weight": Literal(((1.0,),) * COLUMNS)},
    tangents={"output": Literal(((1.0,) * ROWS,) * COLUMNS)},
    quantities=("value", "jacobian_params", "jvp", "vjp"),
    tier="smoke",
    doc="(x + 1)^2 transposed, pulled back with ones: 4 on the diagonal, 2 elsewhere",
)


@implements("vjp", "closed_form_squares", "torch", cases="retained_graph")
@implements("vjp", "closed_form_squares", "jax", variants=("eager", "jit"), cases="retained_graph")
def pull_back(problem):
    """`2 (x + 1)`, row-major."""
    return 2 * (problem.theta + 1)
