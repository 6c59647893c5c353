"""The command line: `main`, and one file a verb with `register(parser)` and `run(args, console) -> int`."""
