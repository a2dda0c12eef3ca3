"""What tinycurv adds to its tests."""

import tinycurv

import xcheck

CASES = "tanh_mlp*"


@xcheck.parametrize("gradient", framework="torch", cases=CASES)
def test_gradient(problem):
    problem.check(tinycurv.gradient(problem.module, problem.loss_module, problem.batches(300)))


@xcheck.parametrize("ggn", framework="torch", cases=CASES)
def test_ggn(problem):
    problem.check(tinycurv.ggn(problem.module, problem.loss_module, problem.batches(300)))


@xcheck.parametrize("hessian_diagonal", framework="torch", cases=CASES)
def test_hessian_diagonal(problem):
    problem.check(tinycurv.hessian_diagonal(problem.module, problem.loss_module, problem.batches(300)))


@xcheck.parametrize("hvp", framework="torch", cases=CASES)
def test_hvp(problem):
    vector = problem.tangents["params"]
    problem.check(tinycurv.hvp(problem.module, problem.loss_module, problem.batches(300), vector))
