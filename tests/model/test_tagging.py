from __future__ import annotations

import pytest

from studio_action.model.tagging import Tagging


@pytest.mark.parametrize(
    ("tagger", "when", "text"),
    [
        ("Ada", 0, "Ada, 1970-01-01 00:00 UTC"),
        ("", 60, "1970-01-01 00:01 UTC"),
        ("Ada", 1 << 62, "Ada"),
        ("Ada", -(1 << 62), "Ada"),
    ],
)
def test_text(tagger: str, when: int, text: str) -> None:
    assert str(Tagging("churn@v1.0.0", tagger, when)) == text
