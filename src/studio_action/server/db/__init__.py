"""What the server keeps: projects, tokens, keys and pushes, in SQLite or PostgreSQL."""
