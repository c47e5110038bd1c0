"""Running: notebooks as tasks. What is stale, in which order, in which process."""
