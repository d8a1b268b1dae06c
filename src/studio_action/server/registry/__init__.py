"""The served repositories: mirrors, models and DVC remotes."""
