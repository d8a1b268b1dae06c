"""Every failure this program can explain, with its exit code.

    StudioActionError
    ├── BadInput            10  an input is missing or wrong; nothing was sent
    ├── TokenRefused        11  the token was refused or lacks the scope
    ├── NotFound            12
    │   ├── NoSuchModel         no such project, model, version or stage
    │   └── ObjectMissing       the storage has lost a file
    ├── Unreachable         13  kept failing or refusing after all retries
    ├── UnexpectedAnswer    14  not the API: HTML, another shape, an unsafe path
    │   └── TooLarge            more bytes than are wanted of one file
    ├── ContentMismatch     15  content does not match its digest or length
    ├── WorkspaceRefused    16  space, permission, a path outside, overwrite
    ├── PolicyRefused       17  `verify: require`, a filter that is an error
    └── DeadlinePassed      18
        └── Cancelled           by whoever called the Python interface

    Stopped (BaseException)  128 + signal number

Anything else that escapes is a fault of ours: exit code 1, with its traceback.
This module imports nothing of ours.
"""

from __future__ import annotations

import signal
from typing import ClassVar


class StudioActionError(Exception):
    """A failure that is explained in one line: what was asked, what came back, what to do.

    `message` states the facts; `hint` says what to do about them. `meaning` is what the table of
    exit codes says, in Markdown.
    """

    exit_code: ClassVar[int]
    meaning: ClassVar[str]

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        if not self.hint:
            return self.message
        stop = "" if self.message.endswith((".", "!", "?", "…")) else "."
        return f"{self.message}{stop} {self.hint}"


class BadInput(StudioActionError):
    """An input is missing or wrong; nothing was sent."""

    exit_code = 10
    meaning = "an input is missing or wrong: nothing was sent, or Studio refused it (400, 422)"


class TokenRefused(StudioActionError):
    """The token was refused or lacks the scope."""

    exit_code = 11
    meaning = "the token was refused or lacks the scope"


class NotFound(StudioActionError):
    """What was asked for does not exist."""

    exit_code = 12
    meaning = "no such project, model, version or stage; or the storage has lost one of its files"


class NoSuchModel(NotFound):
    """No such project, model, version or stage; `if-not-found` decides what follows."""


class ObjectMissing(NotFound):
    """The storage has lost one of the model's files."""


class Unreachable(StudioActionError):
    """Studio, Git or the storage kept failing or refusing after all retries."""

    exit_code = 13
    meaning = "Studio or the storage could not be reached, or all retries failed"


class UnexpectedAnswer(StudioActionError):
    """The answer is not the API's: an HTML page, another shape, an unsafe path."""

    exit_code = 14
    meaning = "an answer that is not Studio's API: an HTML page, other JSON, an unsafe path"


class TooLarge(UnexpectedAnswer):
    """More bytes than are wanted of one file."""


class ContentMismatch(StudioActionError):
    """Content does not match its digest or length."""

    exit_code = 15
    meaning = "content does not match its digest or length"


class WorkspaceRefused(StudioActionError):
    """The file system: no space, no permission, a path outside, a file to be kept."""

    exit_code = 16
    meaning = (
        "the file system: no space, no permission, a path outside the workspace, a file"
        " that must not be overwritten"
    )


class PolicyRefused(StudioActionError):
    """An input's policy forbids what was found."""

    exit_code = 17
    meaning = (
        "a policy refused it: `verify: require`, filters that leave nothing, a version"
        " that is older than it may be, or a signature that is missing, not good or not"
        " of all files"
    )


class DeadlinePassed(StudioActionError):
    """The command's own deadline passed."""

    exit_code = 18
    meaning = "the deadline passed"


class Cancelled(DeadlinePassed):
    """Whoever called the Python interface wants no more of it."""


class Stopped(BaseException):
    """SIGINT or SIGTERM arrived; not an `Exception`, so that no handler swallows it."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.exit_code = 128 + signum
