"""The two frameworks under one set of names: `frameworks.torch` and `frameworks.jax` mirror each other.

Each module has::

    xp                              the array API namespace that programs are written against, with `xp.nn` (below)
    transforms                      grad, vjp, jvp, jacrev, jacfwd, hessian, vmap, linearize of the framework
    asarray(values, dtype, device)  a native array of NumPy values; integers stay integers
    identity(size, like)            the unit matrix, with the dtype and on the device of `like`
    to_numpy(tree)                  the inverse of asarray, leaf by leaf; bfloat16 becomes float64, exactly
    dtype_name(array)               "float64", "float32", "bfloat16", "int64" ...
    synchronise(tree)               waits until every leaf is computed; the tree itself
    precision(dtype, device)        a context: how float32 matrices are multiplied, x64; everything is restored
    devices()                       the devices of this machine, "cpu" first
    wrap(function, variant)         the function jitted or compiled
    register(kind, dynamic, static) makes a dataclass an argument that the framework can trace
    module(case, array)             the program as a real torch.nn.Module; None in JAX
    loss_module(case)               the loss as one; None in JAX
    module_state(module)            what an implementation could leave changed in it

`xp.nn` is what the array API lacks. Each function is the framework's native one, and the exact arithmetic has a twin of
the same signature. Axes: examples first, channels second, the reduced or normalised axis last::

    relu(x)  sigmoid(x)  softplus(x)  silu(x)  erf(x)
    gelu(x, approximate=False)           x Phi(x), or its tanh approximation
    logsumexp(y)                         log sum_k exp y[..., k]
    softmax(y)  log_softmax(y)           over the last axis
    pick(y, index)                       y[..., index[...]]: one entry of the last axis for each row
    take(table, index)                   table[index]: rows of an embedding
    layer_norm(x, weight, bias, eps)     (x - mean) / sqrt(var + eps) * weight + bias over the last axis
    conv2d(x, weight, bias, stride=1, padding=0)    x (n, d, h, w), weight (c, d, kh, kw), bias (c,)
    avg_pool2d(x, size)  max_pool2d(x, size)        windows of size x size that do not overlap
"""
