"""bench: time, memory and distance to the machine's limit of every implementation, each judged before it is timed."""
