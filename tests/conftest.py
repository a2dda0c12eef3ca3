"""What is no test: modules that commands import as a user's adapter; importing them registers implementations."""

collect_ignore = ["adapters"]
