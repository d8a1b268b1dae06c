"""The web pages: projects, models, versions and a log-in."""
