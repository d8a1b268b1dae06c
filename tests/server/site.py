"""The pages over a real database and loopback, with models that a test says."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from studio_action.errors import ObjectMissing
from studio_action.gitrepo.dvc.annotations import Annotation
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history, timeline
from studio_action.model.artifact import ModelName
from studio_action.model.repository_url import RepositoryUrl
from studio_action.net.network import Network
from studio_action.server.access import Scope, Token
from studio_action.server.app import create_app
from studio_action.server.audit import AuditLog
from studio_action.server.db import database
from studio_action.server.db.audit import AuditEntries
from studio_action.server.db.keys import SigningKeys
from studio_action.server.db.projects import Project, ProjectDraft, Projects
from studio_action.server.db.pushes import Pushes
from studio_action.server.db.tokens import Tokens
from studio_action.server.links import InWebRemote, LocalFile
from studio_action.server.middleware.counters import Counters
from studio_action.server.openid.log_in import make_log_in
from studio_action.server.registry.models import Catalogue
from studio_action.server.registry.upstream import UpstreamResponse
from studio_action.server.services import OpenId, Own, Services
from studio_action.server.settings import ServedRepository, ServerSettings
from tests.server.calendar import Calendar
from tests.server.lines import Lines
from tests.server.loopback import served

MODELS = ServedRepository(
    "acme/models", RepositoryUrl.parse("https://github.com/acme/models"), teams=frozenset({"ml"})
)
SECRET = ServedRepository(
    "acme/secret", RepositoryUrl.parse("https://gitlab.example.org/acme/secret")
)


def catalogue(refreshed: datetime, *refs: TagRef) -> Catalogue:
    """What a repository with these tags holds."""
    models = history.read(refs)
    return Catalogue(models, timeline.read(refs, models), refreshed, tags=refs)


def tag(name: str, commit: str, when: datetime, by: str = "Ada Example") -> TagRef:
    """An annotated tag on the commit whose revision has this digit."""
    return TagRef(name, commit * 40, int(when.timestamp()), annotated=True, tagger=by)


def day(number: int, hour: int = 12) -> datetime:
    """A day of March."""
    return datetime(2026, 3, number, hour, 0, tzinfo=timezone.utc)


_MINUTES = itertools.count(step=60.0)


@dataclass
class Said:
    """Models as a test says: a catalogue, or an error, by the repository's name."""

    answers: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Mapping[ModelName, Annotation]] = field(default_factory=dict)

    def catalogue(self, repository: ServedRepository) -> Any:
        answer = self.answers[repository.name]
        if callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def annotations(self, repository: ServedRepository) -> Mapping[ModelName, Annotation]:
        return self.said.get(repository.name, {})

    def file(self, file: LocalFile) -> Path:
        raise ObjectMissing(f"{file} is not there")

    def open_remote_file(self, method: str, file: InWebRemote, headers: object) -> UpstreamResponse:
        raise ObjectMissing(f"{file} is not there")


@dataclass
class Site:
    """A running server of pages, and what it is made of."""

    url: str
    services: Services
    calendar: Calendar
    models: Said
    lines: Lines

    def token(
        self,
        *repositories: str,
        name: str = "ci",
        scope: Scope = "model-registry",
        expires: datetime | None = None,
        **given: Any,
    ) -> tuple[str, Token]:
        return self.services.tokens.create(
            name, scopes=[scope], repositories=repositories, expires=expires, **given
        )

    def project(self, name: str, repository: str = "acme/models", **told: Any) -> Project:
        owner = told.pop("owner", "team/ml")
        new = ProjectDraft(name, owner, repository, f"https://github.com/{repository}.git", **told)
        return self.services.projects.create(new)[0]


@contextmanager
def site(
    folder: Path,
    *,
    models: Any = None,
    now: Callable[[], float] = _MINUTES.__next__,
    **settings: Any,
) -> Iterator[Site]:
    """The server of `MODELS` and `SECRET`, or of other `models`; requests are minutes apart."""
    told = {"data_dir": folder, "database": "", "repositories": (MODELS, SECRET), **settings}
    engine = database.open_engine(f"sqlite:///{folder / 'registry.db'}")
    database.migrate(engine)
    calendar, said, lines = Calendar(), Said(), Lines()
    said.answers = {"acme/models": catalogue(calendar()), "acme/secret": catalogue(calendar())}
    configured, tokens = ServerSettings(**told), Tokens(engine, calendar)
    services = Services(
        configured,
        engine,
        tokens,
        Projects(engine, calendar),
        SigningKeys(engine, calendar),
        Pushes(engine),
        models or said,
        calendar,
        lines.log,
        Own(counters=Counters(now)),
        AuditLog(lines.log, AuditEntries(engine, calendar)),
        OpenId(
            log_in=make_log_in(
                configured.pages.log_in,
                configured.url,
                tokens,
                Network(),
                lines.log,
                lambda: calendar().timestamp(),
            )
        ),
    )
    with served(create_app(services, now)) as address:
        yield Site(address + services.settings.base_path, services, calendar, said, lines)
    engine.dispose()
