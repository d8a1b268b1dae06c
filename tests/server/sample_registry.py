"""The whole server over the sample repository, in this process and over loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio_action.model.repository_url import RepositoryUrl
from studio_action.server.app import create_app
from studio_action.server.db import database
from studio_action.server.run import process
from studio_action.server.services import Services
from studio_action.server.settings import LimitSettings, ServedRepository, ServerSettings
from tests import sample
from tests.gitrepo.repositories import sample_at
from tests.server.loopback import served

REPOSITORY = "acme/models"
ADDRESS = "https://github.com/acme/models.git"


@dataclass(frozen=True)
class Registry:
    """Where it is, with the sub-path, what it is made of, and a token that may do all."""

    url: str
    services: Services = field(repr=False)
    token: str = field(repr=False)


@contextmanager
def registry(folder: Path, **settings: Any) -> Iterator[Registry]:
    """A server of `acme/models`, whose remotes are folders; its state is in `folder`."""
    repository = ServedRepository(
        REPOSITORY,
        sample_at(folder / "models.git"),
        aliases=(RepositoryUrl.parse(ADDRESS),),
        teams=frozenset({"ml"}),
        remotes=sample.REMOTES,
    )
    own = {
        "data_dir": folder,
        "database": f"sqlite:///{folder}/registry.db",
        "repositories": (repository,),
        "folders": {"objects": sample.OBJECTS},
        "limits": LimitSettings(requests_per_minute=1_000_000),
    }
    services = process.make_services(
        ServerSettings(**{**own, **settings}), {"PATH": os.environ["PATH"]}
    )
    database.migrate(services.engine)
    text, _ = services.tokens.create(
        "tests",
        scopes=("model-registry", "project"),
        teams=("ml",),
        all_repositories=True,
        expires=None,
    )
    with served(create_app(services)) as address:
        yield Registry(address + services.settings.base_path, services, text)
    services.engine.dispose()
