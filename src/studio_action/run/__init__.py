"""What each command does, and the concrete parts it does it with."""
