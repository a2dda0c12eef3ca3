"""`xp.nn` of layers: convolution as a product of gathered windows, pooling, normalisation, embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from xcheck.exact.namespace import Array, Namespace


class LayerFunctions:
    """What layers need beyond activations; signatures as in the frameworks' `xp.nn`."""

    xp: Namespace

    def constant(self, values: np.ndarray, like: Any) -> Array:
        """Numbers that belong to the program, such as running statistics."""
        return self.xp.asarray(values)

    def take(self, table: Any, index: np.ndarray) -> Array:
        return self.xp.index(self.xp.asarray(table), (np.asarray(index),))

    def layer_norm(self, x: Any, weight: Any, bias: Any, eps: float) -> Array:
        xp = self.xp
        centred = x - xp.mean(x, axis=-1, keepdims=True)
        return centred / xp.sqrt(xp.mean(centred * centred, axis=-1, keepdims=True) + eps) * weight + bias

    def conv2d(self, x: Any, weight: Any, bias: Any, stride: int = 1, padding: int = 0, groups: int = 1) -> Array:
        """`y[n, o, h, w] = sum_{i, k, l} W[o, i, k, l] x[n, i, stride h + k, stride w + l] + b[o]`."""
        xp = self.xp
        x = _padded(xp, x, padding)
        (n, d, *space), (c, _, *size) = x.shape, weight.shape
        rows, columns = _windows(space, size, stride)
        outputs = []
        for group in range(groups):
            window = x[:, slice(group * d // groups, (group + 1) * d // groups), rows, columns]
            flat = xp.reshape(xp.permute_dims(window, (0, 2, 1, 3)), (n, rows.shape[0], -1))
            W = xp.reshape(weight[slice(group * c // groups, (group + 1) * c // groups)], (c // groups, -1))
            outputs.append(xp.matmul(flat, xp.matrix_transpose(W)))
        y = xp.permute_dims(xp.concat(outputs, axis=2) + bias, (0, 2, 1))
        return xp.reshape(y, (n, c, *((s - k) // stride + 1 for s, k in zip(space, size, strict=True))))

    def avg_pool2d(self, x: Any, size: int) -> Array:
        n, c, h, w = x.shape
        whole = x[:, :, : h // size * size, : w // size * size]
        return self.xp.mean(self.xp.reshape(whole, (n, c, h // size, size, w // size, size)), axis=(3, 5))


def _padded(xp: Namespace, x: Any, padding: int) -> Any:
    for axis in (2, 3) if padding else ():
        shape = [padding if k == axis else s for k, s in enumerate(x.shape)]
        zeros = xp.asarray(np.zeros(shape))
        x = xp.concat([zeros, x, zeros], axis=axis)
    return x


def _windows(space: list[int], size: list[int], stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of every entry (window, entry) of every window."""
    starts = np.stack(
        np.meshgrid(*(np.arange(0, s - k + 1, stride) for s, k in zip(space, size, strict=True)), indexing="ij")
    )
    offsets = np.stack(np.meshgrid(*(np.arange(k) for k in size), indexing="ij"))
    rows, columns = starts.reshape(2, -1, 1) + offsets.reshape(2, 1, -1)
    return rows, columns
