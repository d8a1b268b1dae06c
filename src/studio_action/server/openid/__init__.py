"""People log in with their identity provider, by OpenID Connect's code flow with PKCE."""
