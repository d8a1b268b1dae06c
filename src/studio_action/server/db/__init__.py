"""The database: projects, tokens, signing keys and pushes, in SQLite or PostgreSQL."""
