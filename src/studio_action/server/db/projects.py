"""Projects in the database: created once, by whomever and however often they are asked for."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, Row, insert, select
from sqlalchemy.exc import IntegrityError

from studio_action.server.db.database import reading, writing
from studio_action.server.db.schema import projects

_LETTERS = string.ascii_lowercase + string.digits
_ID = re.compile(r"[a-z0-9]{10}")
_TEAM = "team/"


@dataclass(frozen=True, slots=True)
class ProjectDraft:
    """A project before it is created.

    `owner` is `team/X` or `user/NAME`, and `repository` the name of one that is served.
    `repo_url` is the address as it was asked for, `created_by` the name of the token that asked.
    """

    name: str
    owner: str
    repository: str
    repo_url: str
    subdir: str = ""
    public: bool = False
    created_by: str = ""

    @property
    def team(self) -> str:
        """The team whose project it is; '' for one that is a user's."""
        return self.owner.removeprefix(_TEAM) if self.owner.startswith(_TEAM) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project(ProjectDraft):
    """A project as it was created; `created` is in UTC."""

    id: str
    created: datetime

    @property
    def slug(self) -> str:
        """What its page is called: words of its name, and its id at the end."""
        words = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")
        return f"{words}-{self.id}" if words else self.id

    @property
    def path(self) -> str:
        """Where its page is, below the server's address."""
        kind, _, name = self.owner.partition("/")
        return f"{kind}/{quote(name, safe='')}/projects/{self.slug}"


class Projects:
    """The projects of one database. `random` gives so many random bytes."""

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime],
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._engine = engine
        self._now = now
        self._random = random

    def create(self, new: ProjectDraft) -> tuple[Project, bool]:
        """The owner's project of this folder of the repository, and whether it is new.

        One that is there stays as it is.
        """
        while True:
            found = self._same(new)
            if found is not None:
                return found, False
            project = Project(id=self._id(), created=self._now(), **asdict(new))
            try:
                with writing(self._engine) as connection:
                    connection.execute(insert(projects).values(asdict(project)))
            except IntegrityError:
                continue  # somebody was faster, or has this id
            return project, True

    def all(self) -> Sequence[Project]:
        """Every project, by name."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(projects).order_by(projects.c.name, projects.c.id))
            return [_project(row) for row in rows]

    def get(self, id: str) -> Project | None:
        """The project of this id, which may be any text."""
        if not _ID.fullmatch(id):
            return None
        with reading(self._engine) as connection:
            row = connection.execute(select(projects).where(projects.c.id == id)).first()
        return None if row is None else _project(row)

    def _same(self, new: ProjectDraft) -> Project | None:
        statement = select(projects).where(
            projects.c.repository == new.repository,
            projects.c.owner == new.owner,
            projects.c.subdir == new.subdir,
        )
        with reading(self._engine) as connection:
            row = connection.execute(statement).first()
        return None if row is None else _project(row)

    def _id(self) -> str:
        number = int.from_bytes(self._random(16), "big")
        return "".join(_LETTERS[number // 36**place % 36] for place in range(10))


def _project(row: Row[Any]) -> Project:
    return Project(**row._asdict())
