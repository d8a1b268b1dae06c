"""Exchanges ID tokens of CI jobs for tokens of the server (RFC 8693)."""
