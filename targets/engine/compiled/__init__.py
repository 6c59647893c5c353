"""The engine's compiled route: a network as a table of layers that one machine-code function executes."""
