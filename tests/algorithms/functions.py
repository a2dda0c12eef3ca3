"""Activations, normalisations and softmax in other forms of the same formula."""

from __future__ import annotations

from algorithms._pair import SMOOTH, Pair, normal
from xcheck import Literal, Uniform
from xcheck._lazy import LazyModule, jax, torch

#: Both tails of an activation, and its middle; tanh by exponentials cancels near 0, and so 0 is left out.
TAILS = Literal(((-30.0, -12.5, -6.0, -2.875, -1.0, -0.375, 0.5, 1.25, 3.0, 9.0),))
LINE = Literal(((-3.0, -1.5, -0.75, 0.5, 1.0, 2.0),))
F = LazyModule("torch.nn.functional")


def like(x, number):
    return torch.tensor(number, dtype=x.dtype)


def layer_norm(xp, x):
    return xp.nn.layer_norm(xp.reshape(x[:8], (2, 4)), x[8:12], x[12:], 2.0**-10)


def normalised(statistics):
    """LayerNorm in torch, by mean and variance from `statistics(x)`."""

    def way(x):
        z = x[:8].reshape(2, 4)
        mean, var = statistics(z)
        return (z - mean) * torch.rsqrt(var + 2.0**-10) * x[8:12] + x[12:]

    return way


def one_pass(z):
    mean = z.mean(-1, keepdim=True)
    return mean, (z * z).mean(-1, keepdim=True) - mean * mean


def two_passes(z):
    mean = z.mean(-1, keepdim=True)
    return mean, ((z - mean) ** 2).mean(-1, keepdim=True)


def jax_layer_norm(x):
    z = x[:8].reshape(2, 4)
    mean = jax.numpy.mean(z, -1, keepdims=True)
    var = jax.numpy.mean(z * z, -1, keepdims=True) - mean * mean
    return (z - mean) * jax.lax.rsqrt(var + 2.0**-10) * x[8:12] + x[12:]


def attention(xp, x):
    q, k, v = (xp.reshape(x[6 * i : 6 * i + 6], (3, 2)) for i in range(3))
    return xp.matmul(xp.nn.softmax(xp.matmul(q, xp.matrix_transpose(k)) * 0.5), v)


def heads(x):
    return (x[6 * i : 6 * i + 6].reshape(1, 3, 2) for i in range(3))


def attention_last(x):
    """The division by the sum of the weights comes last, as in fused kernels."""
    q, k, v = heads(x)
    weights = torch.exp(q @ k.transpose(-1, -2) * 0.5)
    return (weights @ v) / weights.sum(-1, keepdim=True)


def cosine(xp, x):
    return xp.sum(x[:4] * x[4:]) / xp.sqrt(xp.sum(x[:4] ** 2) * xp.sum(x[4:] ** 2))


def conv_by_fft(x):
    image, kernel = torch.fft.rfft2(x[:16].reshape(4, 4)), torch.fft.rfft2(x[16:].reshape(2, 2), s=(4, 4))
    return torch.fft.irfft2(image * kernel.conj(), s=(4, 4))[:3, :3]


def conv(xp, x):
    return xp.nn.conv2d(xp.reshape(x[:16], (1, 1, 4, 4)), xp.reshape(x[16:], (1, 1, 2, 2)))


PAIRS = [
    Pair("sigmoid", lambda xp, x: xp.nn.sigmoid(x), TAILS, {
        "own": lambda x: torch.sigmoid(x), "reciprocal": lambda x: 1 / (1 + torch.exp(-x)),
        "by_sign": lambda x: torch.exp(torch.clamp(x, max=0)) / (1 + torch.exp(-x.abs())),
        "log": lambda x: torch.exp(F.logsigmoid(x)),
    }, {"own": lambda x: jax.nn.sigmoid(x)}),
    Pair("sigmoid_by_tanh", lambda xp, x: xp.nn.sigmoid(x), LINE, {"tanh": lambda x: (1 + torch.tanh(x / 2)) / 2},
         {"tanh": lambda x: (1 + jax.numpy.tanh(x / 2)) / 2}),
    Pair("tanh", lambda xp, x: xp.tanh(x), LINE, {
        "own": lambda x: torch.tanh(x), "sigmoid": lambda x: 2 * torch.sigmoid(2 * x) - 1,
        "exp": lambda x: (1 - torch.exp(-2 * x)) / (1 + torch.exp(-2 * x)),
        "expm1": lambda x: torch.expm1(2 * x) / (torch.expm1(2 * x) + 2),
        "sinh": lambda x: torch.sinh(x) / torch.cosh(x),
    }, {"own": lambda x: jax.numpy.tanh(x), "sigmoid": lambda x: 2 * jax.nn.sigmoid(2 * x) - 1}),
    Pair("gelu", lambda xp, x: xp.nn.gelu(x), TAILS, {
        "own": lambda x: F.gelu(x), "erf": lambda x: 0.5 * x * (1 + torch.erf(x * 0.5**0.5)),
        "erfc": lambda x: 0.5 * x * torch.erfc(-x * 0.5**0.5), "ndtr": lambda x: x * torch.special.ndtr(x),
    }, {"own": lambda x: jax.nn.gelu(x, approximate=False),
        "erf": lambda x: 0.5 * x * (1 + jax.lax.erf(x * 0.5**0.5))}),
    Pair("gelu_by_tanh", lambda xp, x: xp.nn.gelu(x, approximate=True), TAILS, {
        "own": lambda x: F.gelu(x, approximate="tanh"),
        "sigmoid": lambda x: x * torch.sigmoid(2 * (2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)),
    }, {"own": lambda x: jax.nn.gelu(x, approximate=True)}),
    Pair("silu", lambda xp, x: xp.nn.silu(x), TAILS, {
        "own": lambda x: F.silu(x), "quotient": lambda x: x / (1 + torch.exp(-x)),
    }, {"own": lambda x: jax.nn.silu(x)}),
    Pair("softplus", lambda xp, x: xp.nn.softplus(x), TAILS, {
        "log1p": lambda x: torch.log1p(torch.exp(x)), "logaddexp": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
        "by_sign": lambda x: torch.clamp(x, min=0) + torch.log1p(torch.exp(-x.abs())),
    }, {"own": lambda x: jax.nn.softplus(x)}),
    Pair("softplus_by_logsigmoid", lambda xp, x: xp.nn.softplus(x), LINE, {"own": lambda x: -F.logsigmoid(-x)},
         {"own": lambda x: -jax.nn.log_sigmoid(-x)}),
    Pair("logsumexp", lambda xp, x: xp.nn.logsumexp(x), normal(6, 31), {
        "plain": lambda x: torch.log(torch.exp(x).sum()), "own": lambda x: torch.logsumexp(x, 0),
        "shifted": lambda x: torch.log(torch.exp(x - x.max().detach()).sum()) + x.max().detach(),
        "shifted_by_a_variable": lambda x: torch.log(torch.exp(x - x[2]).sum()) + x[2],
    }, {"own": lambda x: jax.nn.logsumexp(x), "plain": lambda x: jax.numpy.log(jax.numpy.sum(jax.numpy.exp(x)))}),
    Pair("softmax", lambda xp, x: xp.nn.softmax(x), normal(5, 32), {
        "own": lambda x: torch.softmax(x, 0), "plain": lambda x: torch.exp(x) / torch.exp(x).sum(),
        "log": lambda x: torch.exp(torch.log_softmax(x, 0)),
        "logsumexp": lambda x: torch.exp(x - torch.logsumexp(x, 0)),
    }, {"own": lambda x: jax.nn.softmax(x)}),
    Pair("softmax_of_two", lambda xp, x: xp.nn.softmax(x), Literal(((0.75, -1.5),)), {
        "sigmoid": lambda x: torch.sigmoid(torch.stack([x[0] - x[1], x[1] - x[0]])),
        "tanh": lambda x: (1 + torch.tanh(torch.stack([x[0] - x[1], x[1] - x[0]]) / 2)) / 2,
    }, {"sigmoid": lambda x: jax.nn.sigmoid(jax.numpy.stack([x[0] - x[1], x[1] - x[0]]))}),
    Pair("log_softmax", lambda xp, x: xp.nn.log_softmax(x), normal(5, 33), {
        "own": lambda x: torch.log_softmax(x, 0), "log": lambda x: torch.log(torch.softmax(x, 0)),
        "logsumexp": lambda x: x - torch.logsumexp(x, 0),
    }, {"own": lambda x: jax.nn.log_softmax(x), "log": lambda x: jax.numpy.log(jax.nn.softmax(x))}),
    Pair("cross_entropy", lambda xp, x: xp.nn.logsumexp(x) - x[1], normal(5, 34), {
        "own": lambda x: F.cross_entropy(x[None], torch.tensor([1])),
        "one_hot": lambda x: -(torch.log_softmax(x, 0) * torch.eye(5, dtype=x.dtype)[1]).sum(),
        "log1p": lambda x: torch.log1p(torch.exp(x[[0, 2, 3, 4]] - x[1]).sum()),
    }, {"own": lambda x: -jax.nn.log_softmax(x)[1]}),
    Pair("binary_cross_entropy", lambda xp, x: xp.nn.softplus(x) - 0.25 * x, LINE, {
        "own": lambda x: F.binary_cross_entropy_with_logits(x, torch.full_like(x, 0.25), reduction="none"),
        "logs": lambda x: -0.25 * torch.log(torch.sigmoid(x)) - 0.75 * torch.log(1 - torch.sigmoid(x)),
    }, {"log_sigmoid": lambda x: -0.25 * jax.nn.log_sigmoid(x) - 0.75 * jax.nn.log_sigmoid(-x)}),
    Pair("layer_norm", layer_norm, normal(16, 35), {
        "one_pass": normalised(one_pass), "two_passes": normalised(two_passes),
    }, {"one_pass": jax_layer_norm}),
    # torch.func's Hessian through the own one is wrong: docs/findings.md.
    Pair("fused_layer_norm", layer_norm, normal(16, 35), {
        "own": lambda x: F.layer_norm(x[:8].reshape(2, 4), (4,), x[8:12], x[12:], 2.0**-10),
    }, quantities=SMOOTH[:2]),
    Pair("rms_norm", lambda xp, x: xp.nn.rms_norm(xp.reshape(x[:4], (1, 4)), x[4:], 2.0**-10), normal(8, 36), {
        "own": lambda x: F.rms_norm(x[:4], (4,), x[4:], 2.0**-10),
        "norm": lambda x: 2 * x[:4] / torch.hypot(torch.linalg.vector_norm(x[:4]), like(x, 2.0**-4)) * x[4:],
    }, {"rsqrt": lambda x: x[:4] * jax.lax.rsqrt(jax.numpy.mean(x[:4] ** 2) + 2.0**-10) * x[4:]}),
    Pair("norm", lambda xp, x: xp.sqrt(xp.sum(x * x)), normal(6, 37), {
        "own": lambda x: torch.linalg.vector_norm(x), "scaled": lambda x: 4 * torch.sqrt(((x / 4) ** 2).sum()),
        "hypot": lambda x: torch.hypot(torch.linalg.vector_norm(x[:3]), torch.linalg.vector_norm(x[3:])),
    }, {"own": lambda x: jax.numpy.linalg.norm(x)}),
    Pair("cosine", cosine, normal(8, 38), {
        "normalised": lambda x: (F.normalize(x[:4], dim=0) * F.normalize(x[4:], dim=0)).sum(),
        "own": lambda x: F.cosine_similarity(x[:4], x[4:], dim=0),
    }, {"divided_twice": lambda x: x[:4] @ x[4:] / jax.numpy.linalg.norm(x[:4]) / jax.numpy.linalg.norm(x[4:])}),
    Pair("attention", attention, normal(18, 39), {
        "own": lambda x: F.scaled_dot_product_attention(*heads(x), scale=0.5),
        "division_last": attention_last,
    }, {"own": lambda x: jax.nn.softmax(x[:6].reshape(3, 2) @ x[6:12].reshape(3, 2).T / 2) @ x[12:].reshape(3, 2)}),
    Pair("convolution", conv, normal(20, 40), {
        "own": lambda x: F.conv2d(x[:16].reshape(1, 1, 4, 4), x[16:].reshape(1, 1, 2, 2)),
        "unfold": lambda x: x[16:] @ F.unfold(x[:16].reshape(1, 1, 4, 4), 2)[0],
        "fft": conv_by_fft,
    }, {"own": lambda x: jax.lax.conv(x[:16].reshape(1, 1, 4, 4), x[16:].reshape(1, 1, 2, 2), (1, 1), "VALID")},
        normwise=("fft",)),
    Pair("power", lambda xp, x: x[:3] ** 2.5, Uniform((1, 3), 41, 0.5, 2.0), {
        "own": lambda x: x**2.5, "root": lambda x: x * x * torch.sqrt(x),
        "log": lambda x: torch.exp(2.5 * torch.log(x)),
    }, {"own": lambda x: x**2.5}),
]  # fmt: skip
