"""Reads the configuration file, the environment and the options."""
