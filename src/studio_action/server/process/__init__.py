"""How a server runs: its processes, its connections, its end."""
