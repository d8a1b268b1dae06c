"""Every parser of foreign text, with what is nearly right: `make fuzz` tries very much more."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzzing.targets import TARGETS, Target

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "15"))
PIECES = (
    b"", b"\0", b"\n", b"\r\n", b" ", b"\t", b":", b"/", b"..", b"@", b"#", b"%", b"\\", b'"', b"'",
    b"{", b"}", b"[", b"]", b"&a", b"*a", b"<<: *a", b"!!python/object:x", b"${", b"}", b"~", b"-1",
    b"1e999", b"9" * 30, b"null", b".nan", b"\xff", b"\xed\xa0\x80", b"\xe2\x80\xae", b"---\n",
    b"? ", b"| ", b"- ", b"0x1F", b"1_0", b"=", b";", b"?", b"(" * 50, b"[" * 2000, b"a" * 5000,
)  # fmt: skip


@st.composite
def nearly_right(draw: st.DrawFn, examples: Sequence[bytes]) -> bytes:
    """An example in which some places are other ones."""
    content = draw(st.sampled_from(examples))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 20)))
        piece = draw(st.sampled_from((*PIECES, content[start:end] * 2)) | st.binary(max_size=8))
        content = content[:start] + piece + content[end:]
    return content


@pytest.mark.parametrize("name", TARGETS)
def test_its_examples_are_understood(name: str) -> None:
    target = TARGETS[name]
    for example in target.examples:
        target.parse(example)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_it_understands_or_refuses(target: Target) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=2000,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(nearly_right(target.examples))
    def understands_or_refuses(content: bytes) -> None:
        target.run(content)

    understands_or_refuses()
