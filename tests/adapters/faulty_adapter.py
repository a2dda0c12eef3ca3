"""Implementations that misbehave, each in one way; `tests/test_outcomes.py` runs them in real worker processes."""

import itertools
import os
import sys
import time

import jax.numpy as jnp
import torch

from xcheck import Limitation, Unsupported, implements


def right(problem):
    """The gradient of the Gaussian likelihood by backward."""
    theta = problem.theta.clone().requires_grad_()
    return torch.autograd.grad(problem.objective(theta), theta)[0]


def declare(name, **options):
    return implements("gradient", name, "torch", **options)


def gap(outcome):
    return Limitation("a gap of the test", "https://example.org/gap", outcome=outcome)


declare("right")(right)


@declare("sleeps")
def sleeps(problem):
    time.sleep(3600)


@declare("aborts")
def aborts(problem):
    os.abort()


@declare("exits")
def exits(problem):
    os._exit(3)


@declare("leaves")
def leaves(problem):
    sys.exit("goodbye")


@declare("allocates")
def allocates(problem):
    return torch.ones(2**37, dtype=torch.uint8)


@declare("allocates_lists")
def allocates_lists(problem):
    return [bytearray(2**24) for _ in range(2**13)]


@implements("gradient", "allocates", "jax", variants=("eager", "jit"))
def allocates_in_xla(problem):
    return jnp.ones((2**33, 2)) + problem.theta


@declare("raises")
def raises(problem):
    raise ValueError("no such thing\nas a second line")


@declare("declines")
def declines(problem):
    raise Unsupported("not for this case")


@declare("nan")
def nan(problem):
    return right(problem) * float("nan")


@declare("shape")
def shape(problem):
    return right(problem)[None]


@declare("dtype")
def dtype(problem):
    return right(problem).float()


@declare("nothing")
def nothing(problem):
    return None


@declare("doubles")
def doubles(problem):
    return 2 * right(problem)


@declare("changes_input")
def changes_input(problem):
    answer = right(problem)
    problem.inputs[0].mul_(2)
    return answer


@declare("changes_state")
def changes_state(problem):
    problem.module.weight.requires_grad_(False)
    return right(problem)


CALLS = itertools.count(1)


@declare("changes_mind")
def changes_mind(problem):
    return right(problem) * (1 + 1e-9 * next(CALLS))


@declare("prints")
def prints(problem):
    print("to standard output")
    os.write(2, b"to standard error\n")
    return right(problem)


@declare("known", limitations=(gap("disagrees"),))
def known(problem):
    return 2 * right(problem)


@declare("mended", limitations=(gap("disagrees"),))
def mended(problem):
    return right(problem)


@declare("other_fault", limitations=(gap("disagrees"),))
def other_fault(problem):
    raise ValueError("another fault")
