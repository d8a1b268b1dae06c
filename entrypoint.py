#!/usr/bin/env python3
"""The container's door."""

from studio_action.cli import main

if __name__ == "__main__":
    main()
