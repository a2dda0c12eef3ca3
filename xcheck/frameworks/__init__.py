"""The two frameworks under one set of names: `frameworks.torch` and `frameworks.jax` mirror each other.

Each module has::

    xp                              the array API namespace that programs are written against, with `xp.nn` (below)
    transforms                      grad, vjp, jvp, jacrev, jacfwd, hessian, vmap, linearize of the framework
    asarray(values, dtype, device)  a native array of NumPy values; integers stay integers
    identity(size, like)            the unit matrix, with the dtype and on the device of `like`
    chunked(function, size)         the function mapped over rows, `size` of them at a time
    shapes(function, *arguments)    what it returns; only the shapes count, so that nothing needs to be computed
    to_numpy(tree)                  the inverse of asarray, leaf by leaf; bfloat16 becomes float64, exactly
    dtype_name(array)               "float64", "float32", "bfloat16", "int64" ...
    synchronise(tree)               waits until every leaf is computed; the tree itself
    precision(dtype, device)        a context: how float32 matrices are multiplied, x64; everything is restored
    devices()                       the devices of this machine, "cpu" first
    prepare_worker(scratch)         what a worker process does once; its run's workers share the folder `scratch`
    load(variant)                   loads what the framework loads late, and what changes it, for a variant
    release()                       lets go of all that was compiled in this process
    wrap(function, variant, quick)  the function jitted or compiled; quick: with the compiler's least effort
    register(kind, dynamic, static) makes a dataclass an argument that the framework can trace
    module(case, array)             the program as a real torch.nn.Module; None in JAX
    loss_module(case)               the loss as one; None in JAX
    module_state(module)            what an implementation could leave changed in it

`xp.nn` is what the array API lacks. Each function is the framework's native one, and the exact arithmetic has a twin of
the same signature. Axes: examples first, channels second, the reduced or normalised axis last::

    relu(x)  sigmoid(x)  silu(x)  erf(x)  rsqrt(x)
    softplus(x, threshold=None)          log(1 + exp x); x itself above a threshold (PyTorch's own is 20)
    gelu(x, approximate=False)           x Phi(x), or its tanh approximation
    leaky_relu(x, slope=0.01)  elu(x, alpha=1.0)  hardtanh(x, low=-1.0, high=1.0)
    logsumexp(y)                         log sum_k exp y[..., k]
    softmax(y)  log_softmax(y)           over the last axis
    pick(y, index)                       y[..., index[...]]: one entry of the last axis for each row
    take(table, index)                   table[index]: rows of an embedding
    constant(values, like)               NumPy values of the program itself, with the dtype and device of an array
    einsum(formula, a, b)                one or two arrays, "nhqd,nhkd->nhqk"
    layer_norm(x, weight, bias, eps)     (x - mean) / sqrt(var + eps) * weight + bias over the last axis
    rms_norm(x, weight, eps)             x / sqrt(mean(x^2) + eps) * weight over the last axis
    group_norm(x, groups, weight, bias, eps)  instance_norm(x, weight, bias, eps)    over channels of (n, c, ...)
    batch_norm(x, weight, bias, eps, mean=None, var=None)    statistics of the batch, or those that are given
    conv1d, conv2d(x, weight, bias=None, stride=1, padding=0, groups=1)    x (n, d, h, w), weight (c, d / groups, k, l)
    conv_transpose1d, conv_transpose2d(x, weight, bias=None, stride=1, padding=0)    weight (d, c, k, l)
    avg_pool1d, avg_pool2d(x, size)  max_pool1d, max_pool2d(x, size)    windows of this size that do not overlap
    bce_with_logits(x, y)  huber(x, y, delta=1.0)    elementwise
"""
