"""Parameters that are held: frozen ones, and those behind a stop-gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xcheck.arrays import Descriptor
from xcheck.program._program import Array, Layer
from xcheck.program.layers._modules import module_of

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Frozen(Layer):
    """`y = layer(x)` with parameters that are constants: `requires_grad=False` in the module.

    They are those of `layer.init(seed)`, belong to the module's state, and are no parameters of the case.
    """

    layer: Layer
    seed: int

    def buffers(self) -> dict[str, Descriptor]:
        return {**self.layer.init(self.seed), **self.layer.buffers()}

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return self.layer.apply(xp, constants(xp, self.layer.init(self.seed), x), x)

    def torch(self) -> nn.Module:
        return self.layer.torch().requires_grad_(False)


@dataclass(frozen=True)
class Semigradient(Layer):
    """`y = critic(s) - discount * stop_gradient(critic(s'))` of x = [s, s'] (n, 2 d): with a squared error against the
    rewards, the temporal-difference loss (Sutton 1988).

    The module runs one critic twice, the target after the prediction and detached. Elsewhere the target is that of
    constants with the same values: the case must take its parameters from `init(seed)`.
    """

    critic: Layer
    seed: int
    discount: float

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {f"critic.{name}": shape for name, shape in self.critic.shapes().items()}

    def init(self, seed: int) -> dict[str, Descriptor]:
        return {f"critic.{name}": descriptor for name, descriptor in self.critic.init(seed).items()}

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        d = x.shape[1] // 2
        trained = {name.removeprefix("critic."): value for name, value in params.items()}
        held = constants(xp, self.critic.init(self.seed), x)
        prediction, target = self.critic.apply(xp, trained, x[:, :d]), self.critic.apply(xp, held, x[:, d:])
        return prediction - self.discount * target

    def torch(self) -> nn.Module:
        def difference(children: Any, x: Any) -> Any:
            now, after = x.chunk(2, dim=1)
            prediction = children.critic(now)
            return prediction - self.discount * children.critic(after).detach()

        return module_of(difference, critic=self.critic.torch())


def constants(xp: Any, descriptors: Mapping[str, Descriptor], like: Array) -> dict[str, Array]:
    """The values of descriptors, as arrays that no derivative reaches."""
    return {name: xp.nn.constant(descriptor.make(), like) for name, descriptor in descriptors.items()}
