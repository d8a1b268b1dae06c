"""How git is told to check a signature, and who it says made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from studio_action.errors import BadInput
from studio_action.gitrepo.git.programs import find


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed: a name, and the fingerprint of the key."""

    name: str
    key: str


class ReadSigner(Protocol):
    """Reads what git said of a signature."""

    def __call__(self, said: str, *, good: bool) -> Signer:
        """Return who signed; raise `Unfit` if that is nobody allowed. `good`: git was content."""
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole of git's configuration and environment for one kind of signatures."""

    configuration: Mapping[str, str]
    read_signer: ReadSigner
    variables: Mapping[str, str] = field(default_factory=dict)


def program(name: str, path: str, needed: str) -> str:
    """Return where a program of this machine is; raise `BadInput` if it is not installed."""
    found = find(name, path)
    if found is None:
        raise BadInput(
            f"the program {name} is not installed, so tags cannot be checked",
            f"Install {needed}, or use the image",
        )
    return found
