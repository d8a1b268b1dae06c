"""What a version must fulfil before it is downloaded, and the one place where that is decided."""
