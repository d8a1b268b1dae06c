"""The inputs of a run: their table, and what their text means."""
