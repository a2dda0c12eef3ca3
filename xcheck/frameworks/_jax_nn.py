"""`xp.nn` of JAX: its own functions, under the signatures of `xcheck.frameworks`."""

from __future__ import annotations

from typing import Any

from xcheck._lazy import jax

Array = Any  # jax.Array


def relu(x: Array) -> Array:
    return jax.nn.relu(x)


def sigmoid(x: Array) -> Array:
    return jax.nn.sigmoid(x)


def softplus(x: Array) -> Array:
    return jax.nn.softplus(x)


def silu(x: Array) -> Array:
    return jax.nn.silu(x)


def erf(x: Array) -> Array:
    return jax.lax.erf(x)


def gelu(x: Array, approximate: bool = False) -> Array:
    return jax.nn.gelu(x, approximate=approximate)


def logsumexp(y: Array) -> Array:
    return jax.nn.logsumexp(y, axis=-1)


def softmax(y: Array) -> Array:
    return jax.nn.softmax(y, axis=-1)


def log_softmax(y: Array) -> Array:
    return jax.nn.log_softmax(y, axis=-1)


def pick(y: Array, index: Array) -> Array:
    return jax.numpy.take_along_axis(y, index[..., None], axis=-1)[..., 0]


def take(table: Array, index: Array) -> Array:
    return jax.numpy.take(table, index, axis=0)


def layer_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    return jax.nn.standardize(x, axis=-1, epsilon=eps) * weight + bias


def conv2d(x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Array:
    y = jax.lax.conv_general_dilated(x, weight, (stride, stride), [(padding, padding)] * 2)
    return y + bias[:, None, None]


def avg_pool2d(x: Array, size: int) -> Array:
    window = (1, 1, size, size)
    return jax.lax.reduce_window(x, 0.0, jax.lax.add, window, window, "VALID") / size**2


def max_pool2d(x: Array, size: int) -> Array:
    window = (1, 1, size, size)
    return jax.lax.reduce_window(x, -jax.numpy.inf, jax.lax.max, window, window, "VALID")
