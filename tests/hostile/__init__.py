"""Hostile cases: random programs, fields and numbers that certify nothing wrong and end in no foreign traceback."""
