"""What a commit says of itself: who made it, when, and why. Pure.

The format is in https://git-scm.com/docs/git-commit-tree and `git cat-file commit`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST_MESSAGE = 5000
_LONGEST_NAME = 200
_PERSON = re.compile(r"(?P<name>.*?) ?<[^<>]*> (?P<when>\d{1,12}) [-+]\d{4}")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit. Anybody may have written the texts; `when` is in Unix seconds, 0 if unknown.

    The message is shortened to some thousand characters.
    """

    revision: str
    author: str
    when: int
    message: str

    @classmethod
    def parse(cls, revision: str, content: bytes) -> Commit:
        """Return the commit with the content that Git keeps of it."""
        head, _, message = content.decode("utf-8", "replace").partition("\n\n")
        lines = (line.removeprefix("author ") for line in head.split("\n") if line[:7] == "author ")
        found = _PERSON.fullmatch(next(lines, ""))
        name, when = (found["name"], int(found["when"])) if found else ("", 0)
        return cls(revision, name[:_LONGEST_NAME], when, message.strip()[:_LONGEST_MESSAGE])

    @property
    def subject(self) -> str:
        """Return the first line of the message."""
        return self.message.partition("\n")[0]

    @property
    def body(self) -> str:
        """Return the message after its first line."""
        return self.message.partition("\n")[2].strip()
