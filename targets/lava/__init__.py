"""The Lava back end: Lava processes with the integer machine's exact semantics, run in a worker process."""
