"""Pairs of different right algorithms for one function: the judge must take each for right.

A pair is a program in exact arithmetic, which makes the reference, and the same function in a framework, computed in
other ways: another order, another factorisation, another form of the same formula.
"""
