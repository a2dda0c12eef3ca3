"""What the engine raises and warns: one clear line each, with the name of the module at fault."""


class Unsupported(TypeError):
    """A module, a mode or a loss that the engine does not differentiate; the message says which and what to do."""


class BadShape(ValueError):
    """A tensor whose shape, dtype or layout does not fit; the message says what came and what was expected."""


class AutogradLayer(UserWarning):
    """A module without rules of its own was differentiated by autograd: right, but slower than a rule."""
