"""What stands in front of every request: limits, the log, the numbers."""
