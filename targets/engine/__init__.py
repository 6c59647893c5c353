"""The batched integer engine."""
