"""Trains the weights of the case `tanh_mlp_trained`: 1000 steps of plain gradient descent, learning rate 0.01.

    python cases/scripts/train_tanh_mlp.py          prints the losses beside the published ones, and the stored one
    python cases/scripts/train_tanh_mlp.py --store  stores new ones; then `xcheck reference tanh_mlp_trained --rebuild`

The run is chaotic (other processors and numbers of threads end in other losses), so its result is data, not a
computation.
"""

import sys

import numpy as np
import torch

import xcheck
from xcheck._stored import list_checksums

#: From other, unseeded weights; the last loss is not published.
PUBLISHED = {0: 198.77, 200: 38.84, 400: 14.69, 600: 15.19, 800: 8.49}

case = xcheck.load_cases()["tanh_mlp"]
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
module = case.program.torch()
values = case.values()
module.load_state_dict({name: torch.tensor(a) for name, a in values.params.items()})
x, y = torch.tensor(values.inputs["x"]), torch.tensor(values.targets)
optimiser = torch.optim.SGD(module.parameters(), lr=0.01)
for epoch in range(1001):
    loss = torch.nn.functional.mse_loss(module(x), y)
    if epoch % 200 == 0:
        print(f"epoch {epoch:4d}  loss {loss.item():8.4f}  published {PUBLISHED.get(epoch, '-')}")
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
if "--store" in sys.argv:
    weights = {name: p.detach().numpy().astype(np.float32) for name, p in module.named_parameters()}
    path = case.folder / "tanh_mlp_trained.npz"
    np.savez(path, **weights)
    list_checksums(case.folder, [path.name], [path.read_bytes()])
else:
    stored = np.load(case.folder / "tanh_mlp_trained.npz")
    module.load_state_dict({name: torch.tensor(stored[name], dtype=torch.float64) for name in stored})
    print(f"stored      loss {torch.nn.functional.mse_loss(module(x), y).item():8.4f}")
