"""The engine on torch: the same integers on a GPU."""
