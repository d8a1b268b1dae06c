"""The server's commands, configuration and processes."""
