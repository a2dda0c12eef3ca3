"""Narrow networks through kernels that the system's C++ compiler makes, on request; see `layerwise.fused`."""
