"""A server's models without the server: a moment that tests move, counts of pushes, a log."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import quote

from studio_action.model.artifact import ModelName, Resolution, Selector
from studio_action.model.repository_url import RepositoryUrl
from studio_action.net.clock import Clock
from studio_action.net.network import Network
from studio_action.server.links import InFolder, InMirror, InWebRemote, ServedFile
from studio_action.server.registry import making
from studio_action.server.registry.mirrors import Mirrors
from studio_action.server.registry.models import Models
from studio_action.server.settings import ServedRepository, ServerSettings

START = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)


@dataclass
class World:
    """What is around a server, as tests have it."""

    moment: datetime = START
    counts: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    reading: object | None = None

    def utc(self) -> datetime:
        return self.moment

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)

    def count(self, repository: str) -> int:
        """How often it was pushed to; implements `PushCounts`."""
        return self.counts.get(repository, 0)

    def last_read(self) -> object | None:
        """What the counts were read into; implements `PushCounts`."""
        return self.reading

    def push(self, repository: str) -> None:
        """Say that it was pushed to, as a webhook does."""
        self.counts[repository] = self.count(repository) + 1

    def log(self, message: str, /, **fields: object) -> None:
        self.said.append(" ".join([message, *(f"{name}={text}" for name, text in fields.items())]))


def repository(place: str | Path, name: str = "acme/models", **said: object) -> ServedRepository:
    """A repository that is served from a URL or a folder."""
    where = place if isinstance(place, Path) else RepositoryUrl.parse(place)
    return ServedRepository(name, where, **said)  # type: ignore[arg-type]


def settings(
    data: Path, *repositories: ServedRepository, folders: Mapping[str, Path] | None = None
) -> ServerSettings:
    """The settings of a server that serves them, with its data in the folder `data`."""
    return ServerSettings(data, "sqlite://", repositories, folders or {})


def mirrors(data: Path, world: World, *repositories: ServedRepository) -> Mirrors:
    """Their mirrors in the folder `data`."""
    return Mirrors(
        settings(data, *repositories),
        making.make_git_for(Network(), PATH, PROMPT),
        world,
        world.utc,
        world.log,
        PROMPT,
    )


def made(told: ServerSettings, world: World, **environ: str) -> Models:
    """The models of a server that was told so."""
    return making.make_models(
        told,
        network=Network(),
        environ={**PATH, **environ},
        pushes=world,
        utc=world.utc,
        log=world.log,
        clock=PROMPT,
    )


PROMPT = Clock(sleep=lambda seconds: os.sched_yield())
"""A clock by which nobody sleeps."""
PATH = {"PATH": os.environ["PATH"]}


def link(file: ServedFile) -> str:
    """A URL that says what it leads to."""
    match file:
        case InFolder(folder, path):
            return f"https://here/folders/{folder}/{quote(path)}"
        case InMirror(name, object_name, digest):
            return f"https://here/repositories/{name}/{object_name}/{digest.hex}"
        case InWebRemote(name, remote, path):
            return f"https://here/remotes/{name}/{remote}/{quote(path)}"


def resolved(served: Models, asked: ServedRepository, model: str, selector: Selector) -> Resolution:
    return served.resolve(asked, ModelName.parse(model), selector, link=link)
