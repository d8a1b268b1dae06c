"""One repository that a server has, with its models but without the server's HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests

from studio_action.model.artifact import Resolution, Selector
from studio_action.model.digest import Digest
from studio_action.server.links import InFolder, InMirror
from studio_action.server.registry.models import Models
from studio_action.server.settings import ServedRepository
from tests import sample
from tests.server.serving import World, made, repository, resolved, settings

FOLDERS = {"objects": sample.OBJECTS}


@dataclass
class Server:
    """One repository that is served, and the world around it."""

    models: Models
    repository: ServedRepository
    world: World

    def resolve(self, model: str, selector: Selector) -> Resolution:
        return resolved(self.models, self.repository, model, selector)

    def bytes_of(self, resolution: Resolution) -> dict[str, bytes]:
        """Return the content of each file by its path."""
        return {file.path: self.content(file.url) for file in resolution.files}

    def content(self, url: str) -> bytes:
        """What is behind a URL: of this machine, or of a storage, asked without a token."""
        parts = urlsplit(url)
        if parts.netloc != "here":
            with requests.get(url, timeout=10) as answer:
                answer.raise_for_status()
                return answer.content
        kind, _, rest = unquote(parts.path).lstrip("/").partition("/")
        if kind == "folders":
            folder, _, path = rest.partition("/")
            return self.models.file(InFolder(folder, path)).read_bytes()
        name, object_name, md5 = rest.rsplit("/", 2)
        return self.models.file(InMirror(name, object_name, Digest("md5", md5))).read_bytes()


def served(
    data: Path,
    place: str | Path,
    remotes: Mapping[str, Mapping[str, str]],
    folders: Mapping[str, Path] | None = None,
) -> Server:
    """Serve the repository at `place` with these remotes; the server's data is in `data`."""
    world = World()
    asked = repository(place, remotes=remotes)
    return Server(made(settings(data, asked, folders=folders), world), asked, world)
