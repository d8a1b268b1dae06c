"""What a run is told: the table of inputs, and what their text means."""
