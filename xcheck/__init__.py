"""xcheck verifies derivatives and curvature across PyTorch and JAX."""
