"""What a token may be allowed."""

from __future__ import annotations

from typing import Literal

Scope = Literal["model-registry", "project"]
"""Reading models, or creating projects."""
