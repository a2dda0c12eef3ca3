"""Tanh networks of two and of four linear layers: a propagated diagonal is the GGN's with two, and is not with four."""

from itertools import pairwise

from xcheck import Case, Normal
from xcheck.program import Linear, Sequential, Tanh, mse

N, D, C = 6, 3, 3
QUANTITIES = ("value", "gradient", "hvp", "ggnvp", "ggn_diagonal", "ggn_diagonal_backprop")


def tanh_net(name, *hidden):
    widths = (D, *hidden, C)
    pairs = [(Linear(d, c), Tanh()) for d, c in pairwise(widths)]
    net = Sequential(*[layer for pair in pairs for layer in pair][:-1])
    return Case(
        name=name,
        program=net,
        params=net.init(seed=91),
        inputs={"x": Normal((N, D), seed=92)},
        targets=Normal((N, C), seed=93),
        loss=mse(),
        quantities=QUANTITIES,
        doc=f"{'-'.join(map(str, widths))} tanh network, squared error",
    )


cases = (tanh_net("two_linear_layers", 5), tanh_net("four_linear_layers", 5, 4, 4))
