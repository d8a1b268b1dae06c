"""A process that creates tokens and projects, and says of each that it is there, until it dies."""

from __future__ import annotations

import itertools
import json
import sys
from datetime import datetime, timezone

from studio_action.server.db import database
from studio_action.server.db.projects import ProjectDraft, Projects
from studio_action.server.db.tokens import Tokens


def write(url: str) -> None:
    engine = database.open_engine(url)
    print(json.dumps({}), flush=True)  # the next thing that happens is the migration
    database.migrate(engine)
    tokens, projects = Tokens(engine, _now), Projects(engine, _now)
    for number in itertools.count():
        text, _ = tokens.create("ci", scopes=["project"], teams=["ml"], expires=None)
        print(json.dumps({"token": text}), flush=True)
        project, _ = projects.create(
            ProjectDraft(
                name=f"churn {number}",
                owner="team/ml",
                repository="acme/models",
                repo_url="https://github.com/acme/models.git",
                subdir=str(_now().timestamp()),
            )
        )
        print(json.dumps({"project": project.id}), flush=True)


def _now() -> datetime:
    return datetime.now(timezone.utc)


if __name__ == "__main__":
    write(sys.argv[1])
