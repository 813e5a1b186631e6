"""The exam of the pure core."""
