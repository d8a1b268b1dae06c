from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import timezone

import pytest
from sqlalchemy import Engine

from studio_action.server.db.projects import Project, ProjectDraft, Projects
from tests.server.calendar import Calendar

CHURN = ProjectDraft(
    name="Churn models",
    owner="team/ml",
    repository="acme/models",
    repo_url="git@github.com:acme/models.git",
    subdir="models/churn",
    public=True,
    created_by="ci",
)


@pytest.fixture
def projects(engine: Engine) -> Projects:
    return Projects(engine, Calendar())


def test_create__what_is_returned_is_what_is_kept(projects: Projects) -> None:
    project, new = projects.create(CHURN)
    assert new
    assert project == Project(
        id=project.id,
        created=Calendar()(),
        name="Churn models",
        owner="team/ml",
        repository="acme/models",
        repo_url="git@github.com:acme/models.git",
        subdir="models/churn",
        public=True,
        created_by="ci",
    )
    assert projects.get(project.id) == project
    assert projects.all() == [project]
    assert projects.all()[0].created.tzinfo is timezone.utc


def test_create__ids_are_like_studios(projects: Projects) -> None:
    project, _ = projects.create(CHURN)
    assert re.fullmatch("[a-z0-9]{10}", project.id)


def test_create__all_that_is_random_comes_from_outside(engine: Engine) -> None:
    projects = Projects(engine, Calendar(), lambda count: bytes(range(count)))
    assert projects.create(CHURN)[0].id == projects.create(CHURN)[0].id


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "another"},
        {"public": False},
        {"repo_url": "https://github.com/acme/models.git"},
        {"created_by": "somebody"},
    ],
    ids=["the same", "another name", "not public", "another address", "somebody else"],
)
def test_create__again(projects: Projects, changes: dict[str, str | bool]) -> None:
    project, _ = projects.create(CHURN)
    assert projects.create(replace(CHURN, **changes)) == (project, False)
    assert projects.all() == [project]


@pytest.mark.parametrize(
    "changes",
    [{"repository": "acme/vision"}, {"owner": "user/ml"}, {"subdir": ""}],
    ids=["repository", "owner", "subdir"],
)
def test_create__another(projects: Projects, changes: dict[str, str]) -> None:
    first, _ = projects.create(CHURN)
    second, new = projects.create(replace(CHURN, **changes))
    assert new
    assert second.id != first.id


def test_create__an_id_that_is_taken(engine: Engine) -> None:
    numbers = iter([b"\x01" * 16, b"\x01" * 16, b"\x02" * 16])
    projects = Projects(engine, Calendar(), lambda _count: next(numbers))
    first, _ = projects.create(CHURN)
    second, new = projects.create(replace(CHURN, subdir=""))
    assert new
    assert second.id != first.id


def test_create__by_many_at_once(engine: Engine) -> None:
    made: list[tuple[Project, bool]] = []
    together = threading.Barrier(12)

    def create() -> None:
        projects = Projects(engine, Calendar())
        together.wait()
        made.append(projects.create(CHURN))

    threads = [threading.Thread(target=create) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 12
    assert len({project.id for project, _ in made}) == 1
    assert sum(new for _, new in made) == 1


@pytest.mark.parametrize("id", ["tsanhawn9y", "", "TSANHAWN9Y", "\x00", "a" * 100_000, "\ud800"])
def test_get__none(projects: Projects, id: str) -> None:
    projects.create(CHURN)
    assert projects.get(id) is None


def test_all__by_name(projects: Projects) -> None:
    for name in ("vision", "churn", "speech"):
        projects.create(replace(CHURN, name=name, subdir=name))
    assert [each.name for each in projects.all()] == ["churn", "speech", "vision"]


@pytest.mark.parametrize(
    ("owner", "team"), [("team/ml", "ml"), ("user/ci", ""), ("user/team/x", "")]
)
def test_team(owner: str, team: str) -> None:
    assert replace(CHURN, owner=owner).team == team


@pytest.mark.parametrize(
    ("owner", "name", "path"),
    [
        ("team/ml", "Churn models", "team/ml/projects/churn-models-tsanhawn9y"),
        (
            "user/Ann Lee",
            "example-get-started",
            "user/Ann%20Lee/projects/example-get-started-tsanhawn9y",
        ),
        ("team/a/b", "../../x", "team/a%2Fb/projects/x-tsanhawn9y"),
        ("user/ci", "模型", "user/ci/projects/tsanhawn9y"),
        ("user/ci", "<script>", "user/ci/projects/script-tsanhawn9y"),
    ],
    ids=["a team's", "a user's", "slashes", "no letter of ours", "markup"],
)
def test_path(owner: str, name: str, path: str) -> None:
    project = Project(
        id="tsanhawn9y",
        created=Calendar()(),
        name=name,
        owner=owner,
        repository="acme/models",
        repo_url="https://github.com/acme/models.git",
    )
    assert project.path == path
