"""Arithmetic with error bounds: what references are made of. Nothing here knows PyTorch or JAX."""
