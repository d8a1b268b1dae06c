"""The API over a real database and loopback, with models that a test says."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import requests
from sqlalchemy import delete

from studio_action.errors import ObjectMissing
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history, timeline
from studio_action.gitrepo.gto.history import Prerelease
from studio_action.model.artifact import ArtifactRef, ModelName, RemoteFile, Resolution, Selector
from studio_action.model.digest import Digest
from studio_action.model.repository_url import RepositoryUrl
from studio_action.net.network import Network
from studio_action.server.access import Scope
from studio_action.server.app import create_app
from studio_action.server.audit import AuditLog
from studio_action.server.db import database, schema
from studio_action.server.db.audit import AuditEntries
from studio_action.server.db.keys import SigningKeys
from studio_action.server.db.projects import Projects
from studio_action.server.db.pushes import Pushes
from studio_action.server.db.tokens import Tokens
from studio_action.server.links import InFolder, InMirror, InWebRemote, Link, LocalFile
from studio_action.server.middleware.counters import Counters
from studio_action.server.registry.models import Catalogue
from studio_action.server.registry.upstream import UpstreamResponse
from studio_action.server.services import OpenId, Own, Services
from studio_action.server.settings import ServedRepository, ServerSettings
from studio_action.server.token_exchange.discovery import Discovery
from studio_action.server.token_exchange.exchange import make_exchange
from studio_action.studio.resolve import CommittedPolicy
from tests.server.calendar import Calendar
from tests.server.lines import Lines
from tests.server.loopback import served

MODELS = ServedRepository(
    "acme/models",
    RepositoryUrl.parse("https://git.example.org/Acme/Models.git"),
    aliases=(RepositoryUrl.parse("ssh://git@inner.example.org/models"),),
    teams=frozenset({"ml"}),
)
SECRET = ServedRepository(
    "acme/secret",
    RepositoryUrl.parse("https://git.example.org/acme/secret.git"),
    webhook_secret="for-secret",
)
DIGEST = Digest("md5", "3ee4cc0f1cf8db9985fb75a115c72d4d")
CONTENT = b"the model"


@dataclass
class SaidModels:
    """Models as a test says: one file, and what goes wrong."""

    folder: Path
    failure: Exception | None = None
    unreachable: Exception | None = None
    asked: list[tuple[str, str, Selector, Prerelease]] = field(default_factory=list)

    def resolve(
        self,
        repository: ServedRepository,
        name: ModelName,
        selector: Selector,
        *,
        prerelease: Prerelease = "include",
        link: Link,
    ) -> Resolution:
        self.asked.append((repository.name, str(name), selector, prerelease))
        if self.failure:
            raise self.failure
        url = link(InMirror(repository.name, "a" * 40, DIGEST))
        return Resolution(
            ArtifactRef(repository.name, name),
            selector,
            "git",
            (RemoteFile("models/é.pkl", url, len(CONTENT), DIGEST),),
            version="v1.1.0",
            tag=f"{name}@v1.1.0",
            revision="c" * 40,
            root="models/é.pkl",
        )

    def known(self, repository: ServedRepository) -> object | None:
        return None

    def state(self, repository: ServedRepository) -> object:
        return None

    def policy(self, repository: ServedRepository) -> CommittedPolicy | None:
        return CommittedPolicy("d" * 40, "rules: []\n")

    def catalogue(self, repository: ServedRepository) -> Catalogue:
        refs = [TagRef("churn@v1.1.0", "c" * 40, 1_000, annotated=True, tagger="Ada")]
        models = history.read(refs)
        moment = datetime(2026, 11, 22, tzinfo=timezone.utc)
        return Catalogue(models, timeline.read(refs, models), moment)

    def refresh(self, repository: ServedRepository) -> None:
        if self.unreachable:
            raise self.unreachable

    def file(self, file: LocalFile) -> Path:
        if isinstance(file, InFolder):
            raise ObjectMissing("the file is not there")
        path = self.folder / file.object
        path.write_bytes(CONTENT)
        return path

    def open_remote_file(
        self, method: str, file: InWebRemote, headers: Mapping[str, str]
    ) -> UpstreamResponse:
        raise ObjectMissing("there is no remote")


@dataclass
class Api:
    """A running server, and what it is made of."""

    address: str
    services: Services
    models: SaidModels
    lines: Lines
    calendar: Calendar
    session: requests.Session
    sent: int = 0
    """How many requests were sent by `send`."""

    def forget(self) -> None:
        """Be as it was at first, but for tokens and the log."""
        self.models.failure = self.models.unreachable = None
        self.models.asked.clear()
        self.session.cookies.clear()
        with self.services.engine.begin() as connection:
            for table in (schema.projects, schema.pushes):
                connection.execute(delete(table))

    def token(
        self,
        *scopes: Scope,
        teams: Sequence[str] = (),
        repositories: Sequence[str] = (MODELS.name,),
        days: float = 90,
        name: str = "ci",
    ) -> str:
        text, _ = self.services.tokens.create(
            name,
            scopes=scopes or ("model-registry", "project"),
            teams=teams,
            repositories=repositories,
            expires=self.calendar() + timedelta(days=days),
        )
        return text

    def send(self, method: str, path: str, token: str = "", **more: Any) -> requests.Response:
        headers = {"Authorization": f"token {token}"} if token else {}
        headers |= more.pop("headers", {})
        self.sent += 1
        return self.session.request(
            method, self.address + path, headers=headers, timeout=10, **more
        )

    def logged(self) -> dict[str, Any]:
        """The line of the last request, which is written once the answer is out."""
        self.lines.wait_for("request", self.sent)
        return [line for line in self.lines.all if line["message"] == "request"][-1]

    def ask(self, endpoint: str, token: str | None = None, **query: str) -> requests.Response:
        """GET an endpoint of the model registry, for `churn` of `acme/models` unless it is said."""
        params = {"repo": MODELS.name, "name": "churn", **query}
        path = f"/api/model-registry/{endpoint}"
        return self.send("GET", path, self.token() if token is None else token, params=params)

    def create(self, token: str | None = None, **fields: object) -> requests.Response:
        body = {"repo_url": "https://git.example.org/acme/models.git", **fields}
        return self.send(
            "POST", "/api/create-project", self.token() if token is None else token, json=body
        )


@contextmanager
def answering(
    folder: Path,
    calendar: Calendar | None = None,
    now: Callable[[], float] | None = None,
    **settings: Any,
) -> Iterator[Api]:
    """The API of `acme/models` and `acme/secret`; a minute passes between any two requests."""
    engine = database.open_engine(f"sqlite:///{folder}/registry.db")
    database.migrate(engine)
    calendar, lines, models = calendar or Calendar(), Lines(), SaidModels(folder)
    minutes = itertools.count(step=60.0)
    told = ServerSettings(
        **{"data_dir": folder, "database": "", "repositories": (MODELS, SECRET), **settings}
    )
    tokens = Tokens(engine, calendar)
    services = Services(
        settings=told,
        engine=engine,
        tokens=tokens,
        projects=Projects(engine, calendar),
        keys=SigningKeys(engine, calendar),
        pushes=Pushes(engine, lambda: next(minutes)),
        models=cast("Any", models),
        utc=calendar,
        log=lines.log,
        own=Own(counters=Counters(now or (lambda: next(minutes)))),
        audit=AuditLog(lines.log, AuditEntries(engine, calendar)),
        openid=OpenId(
            make_exchange(
                told.trusted_issuers,
                tokens,
                Discovery(Network()),
                lines.log,
                lambda: calendar().timestamp(),
            )
        ),
    )
    with (
        served(create_app(services, now or (lambda: next(minutes)))) as address,
        requests.Session() as session,
    ):
        base = address + services.settings.base_path
        yield Api(base, services, models, lines, calendar, session)
    engine.dispose()
