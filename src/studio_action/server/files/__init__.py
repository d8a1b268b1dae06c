"""Files of this machine, under signed links."""
