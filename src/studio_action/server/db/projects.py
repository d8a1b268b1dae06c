"""Projects in the database."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sqlalchemy import Row, insert, select
from sqlalchemy.exc import IntegrityError

from studio_action.server.db.database import reading, writing
from studio_action.server.db.schema import projects
from studio_action.server.db.store import Store

_LETTERS = string.ascii_lowercase + string.digits
_ID = re.compile(r"[a-z0-9]{10}")
_TEAM = "team/"


@dataclass(frozen=True, slots=True)
class ProjectDraft:
    """A project before it is created.

    `owner` is `team/X` or `user/NAME`, `repository` the name of a served repository, `repo_url` its
    address as requested, and `created_by` the name of the requesting token.
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
        """The team that owns the project; '' if a user does."""
        return self.owner.removeprefix(_TEAM) if self.owner.startswith(_TEAM) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project(ProjectDraft):
    """A project in the database; `created` is in UTC."""

    id: str
    created: datetime

    @property
    def slug(self) -> str:
        """The last part of its page's path: the words of its name, then its id."""
        words = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")
        return f"{words}-{self.id}" if words else self.id

    @property
    def path(self) -> str:
        """The path of its page, below the server's address."""
        kind, _, name = self.owner.partition("/")
        return f"{kind}/{quote(name, safe='')}/projects/{self.slug}"


class Projects(Store):
    """The projects of one database."""

    def create(self, new: ProjectDraft) -> tuple[Project, bool]:
        """Return the owner's project of this folder of the repository, and whether it is new.

        Leave an existing project as it is.
        """
        while True:
            found = self._existing(new)
            if found is not None:
                return found, False
            project = Project(id=self._new_id(), created=self.now(), **asdict(new))
            try:
                with writing(self.engine) as connection:
                    connection.execute(insert(projects).values(asdict(project)))
            except IntegrityError:
                continue  # another process was faster, or the id is taken
            return project, True

    def all(self) -> Sequence[Project]:
        """Return all projects, sorted by name."""
        with reading(self.engine) as connection:
            rows = connection.execute(select(projects).order_by(projects.c.name, projects.c.id))
            return [_project(row) for row in rows]

    def get(self, id: str) -> Project | None:
        """Return the project of an id, which may be any text; None if there is none."""
        if not _ID.fullmatch(id):
            return None
        with reading(self.engine) as connection:
            row = connection.execute(select(projects).where(projects.c.id == id)).first()
        return None if row is None else _project(row)

    def _existing(self, new: ProjectDraft) -> Project | None:
        statement = select(projects).where(
            projects.c.repository == new.repository,
            projects.c.owner == new.owner,
            projects.c.subdir == new.subdir,
        )
        with reading(self.engine) as connection:
            row = connection.execute(statement).first()
        return None if row is None else _project(row)

    def _new_id(self) -> str:
        number = int.from_bytes(self.random(16), "big")
        return "".join(_LETTERS[number // 36**place % 36] for place in range(10))


def _project(row: Row[Any]) -> Project:
    return Project(**row._asdict())
