"""What a server is told: by its configuration file, the environment and options."""
