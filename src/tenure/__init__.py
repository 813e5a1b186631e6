"""Tenure: application leadership and leader settings, as Juju has them, as software of its own."""

__all__ = ["__version__"]

__version__ = "0.1.0"
