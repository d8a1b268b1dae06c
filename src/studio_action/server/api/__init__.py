"""The REST API: authentication, requests and responses."""
