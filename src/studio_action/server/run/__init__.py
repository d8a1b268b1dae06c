"""How a server is started, from what, and how it runs and ends."""
