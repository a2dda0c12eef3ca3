"""`xp.nn` of JAX: its own functions where it has them, under the signatures of `xcheck.frameworks`."""

from __future__ import annotations

from typing import Any

from xcheck._lazy import jax

Array = Any  # jax.Array


def relu(x: Array) -> Array:
    return jax.nn.relu(x)


def leaky_relu(x: Array, slope: float = 0.01) -> Array:
    return jax.nn.leaky_relu(x, slope)


def elu(x: Array, alpha: float = 1.0) -> Array:
    return jax.nn.elu(x, alpha)


def hardtanh(x: Array, low: float = -1.0, high: float = 1.0) -> Array:
    if (low, high) == (-1.0, 1.0):
        return jax.nn.hard_tanh(x)
    return jax.numpy.where(x > high, high, jax.numpy.where(x < low, low, x))


def sigmoid(x: Array) -> Array:
    return jax.nn.sigmoid(x)


def softplus(x: Array, threshold: float | None = None) -> Array:
    y = jax.nn.softplus(x)
    return y if threshold is None else jax.numpy.where(x > threshold, x, y)


def silu(x: Array) -> Array:
    return jax.nn.silu(x)


def erf(x: Array) -> Array:
    return jax.lax.erf(x)


def gelu(x: Array, approximate: bool = False) -> Array:
    return jax.nn.gelu(x, approximate=approximate)


def rsqrt(x: Array) -> Array:
    return jax.lax.rsqrt(x)


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


def constant(values: Any, like: Array) -> Array:
    return jax.numpy.asarray(values, dtype=like.dtype)


def einsum(formula: str, *arrays: Array) -> Array:
    return jax.numpy.einsum(formula, *arrays)


def layer_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    return jax.nn.standardize(x, axis=-1, epsilon=eps) * weight + bias


def rms_norm(x: Array, weight: Array, eps: float) -> Array:
    return x * jax.lax.rsqrt(jax.numpy.mean(x * x, axis=-1, keepdims=True) + eps) * weight


def group_norm(x: Array, groups: int, weight: Array, bias: Array, eps: float) -> Array:
    grouped = jax.numpy.reshape(x, (x.shape[0], groups, -1))
    y = jax.numpy.reshape(jax.nn.standardize(grouped, axis=-1, epsilon=eps), x.shape)
    return y * _by_channel(weight, x) + _by_channel(bias, x)


def instance_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    return group_norm(x, x.shape[1], weight, bias, eps)


def batch_norm(
    x: Array, weight: Array, bias: Array, eps: float, mean: Array | None = None, var: Array | None = None
) -> Array:
    axes = tuple(k for k in range(x.ndim) if k != 1)
    given = {} if mean is None else {"mean": _by_channel(mean, x), "variance": _by_channel(var, x)}
    return jax.nn.standardize(x, axis=axes, epsilon=eps, **given) * _by_channel(weight, x) + _by_channel(bias, x)


def _by_channel(a: Array, x: Array) -> Array:
    """(c,) against (n, c, ...)."""
    return jax.numpy.reshape(a, (1, -1, *[1] * (x.ndim - 2)))


def conv2d(
    x: Array, weight: Array, bias: Array | None = None, stride: int = 1, padding: int = 0, groups: int = 1
) -> Array:
    k = x.ndim - 2
    pads = [(padding, padding)] * k
    y = jax.lax.conv_general_dilated(x, weight, (stride,) * k, pads, feature_group_count=groups)
    return y if bias is None else y + _by_channel(bias, x)


conv1d = conv2d


def conv_transpose2d(x: Array, weight: Array, bias: Array | None = None, stride: int = 1, padding: int = 0) -> Array:
    k = x.ndim - 2
    pads = [(size - 1 - padding,) * 2 for size in weight.shape[2:]]
    turned = jax.numpy.flip(jax.numpy.swapaxes(weight, 0, 1), axis=tuple(range(2, 2 + k)))
    y = jax.lax.conv_general_dilated(x, turned, (1,) * k, pads, lhs_dilation=(stride,) * k)
    return y if bias is None else y + _by_channel(bias, x)


conv_transpose1d = conv_transpose2d


def avg_pool2d(x: Array, size: int, stride: int | None = None) -> Array:
    spatial = x.ndim - 2
    window, steps = (1, 1, *[size] * spatial), (1, 1, *[stride or size] * spatial)
    return jax.lax.reduce_window(x, 0.0, jax.lax.add, window, steps, "VALID") / size**spatial


def max_pool2d(x: Array, size: int, stride: int | None = None) -> Array:
    spatial = x.ndim - 2
    window, steps = (1, 1, *[size] * spatial), (1, 1, *[stride or size] * spatial)
    return jax.lax.reduce_window(x, -jax.numpy.inf, jax.lax.max, window, steps, "VALID")


avg_pool1d, max_pool1d = avg_pool2d, max_pool2d


def bce_with_logits(x: Array, y: Array) -> Array:
    return -y * jax.nn.log_sigmoid(x) - (1 - y) * jax.nn.log_sigmoid(-x)


def huber(x: Array, y: Array, delta: float = 1.0) -> Array:
    size = jax.numpy.abs(x - y)
    return jax.numpy.where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta))
