"""One module for each CI system that is known; `ci/platforms.py` finds them here.

A module has a `SYSTEM`: how the system is recognised, what its jobs know, and what writes for it.
"""
