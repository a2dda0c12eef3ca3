"""The commands, one function each; `xcheck.cli` gathers them.

Everything else of xcheck is imported by the command that needs it, so that `xcheck --help` answers at once.
"""
