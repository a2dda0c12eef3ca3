"""Small changes planted in xcheck itself, one at a time: does a test notice? `nox -s mutants` runs it, docs/mutants.md
says what was found. pytest does not collect this folder."""
