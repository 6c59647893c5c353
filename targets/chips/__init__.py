"""Chip descriptions (TOML); read by `neurodeploy.chip`."""
