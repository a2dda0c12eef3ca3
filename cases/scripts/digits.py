"""Makes the data and the trained weights of the cases `digits_mlp` and `digits_mlp_trained`.

    pip install scikit-learn && python cases/scripts/digits.py

Data: the test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak 1998, UCI Machine Learning
Repository, doi 10.24432/C50P49, CC BY 4.0), as scikit-learn bundles it: 1797 images of 8 x 8 pixels from 0 to 16. The
first 256 images are stored; all of them train the weights.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from xcheck._stored import list_checksums

STEPS, RATE, HIDDEN = 400, 0.5, 32


def softmax(f):
    powers = np.exp(f - f.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


images, labels = load_digits(return_X_y=True)
x = images / 16
random = np.random.default_rng(0)
W1, b1 = random.uniform(-1, 1, (HIDDEN, 64)) / 8, np.zeros(HIDDEN)
W2, b2 = random.uniform(-1, 1, (10, HIDDEN)) / HIDDEN**0.5, np.zeros(10)
for step in range(STEPS + 1):
    h = np.tanh(x @ W1.T + b1)
    s = softmax(h @ W2.T + b2)
    if step % 100 == 0:
        loss = -np.log(s[np.arange(len(s)), labels]).mean()
        print(f"step {step:4d}  loss {loss:.4f}  right {(s.argmax(axis=1) == labels).mean():.3f}")
    error = (s - np.eye(10)[labels]) / len(s)
    back = (error @ W2) * (1 - h**2)
    W2, b2 = W2 - RATE * error.T @ h, b2 - RATE * error.sum(axis=0)
    W1, b1 = W1 - RATE * back.T @ x, b1 - RATE * back.sum(axis=0)

values = Path(__file__).parents[1] / "values"
np.savez_compressed(values / "digits.npz", images=images[:256].astype(np.uint8), labels=labels[:256].astype(np.uint8))
weights = {"0.weight": W1, "0.bias": b1, "2.weight": W2, "2.bias": b2}
np.savez_compressed(values / "digits_mlp_trained.npz", **{name: a.astype(np.float32) for name, a in weights.items()})
files = [values / "digits.npz", values / "digits_mlp_trained.npz"]
list_checksums(values, [file.name for file in files], [file.read_bytes() for file in files])
