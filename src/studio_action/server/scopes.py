"""What a token may be allowed."""

from __future__ import annotations

from typing import Literal

Scope = Literal["model-registry", "project", "audit"]
"""Reading models, creating projects, or seeing who downloaded what on the pages."""
