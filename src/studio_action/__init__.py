"""Resolve a registered model by stage or version and put verified bytes into a CI workspace."""

__version__ = "0.1.0"
