from __future__ import annotations

import pytest

from tests.end_to_end.conftest import Program
from tests.reference import MODEL_REGISTRY


def test_create_project(program: Program) -> None:
    ran = program.run(
        "create-project",
        *("--repo", "git@github.com:acme/models.git", "--project-name", "churn models"),
        *("--team-name", "acme", "--subdir", "models/churn", "--public", "true"),
    )

    (request,) = program.server.requests
    (project,) = program.server.studio.projects
    assert request.json == {
        "repo_url": "git@github.com:acme/models.git",
        "name": "churn models",
        "team_name": "acme",
        "subdir": "models/churn",
        "public": True,
    }
    assert ran.code == 0, ran.said
    assert ran.outputs["project-id"] == project["id"]


def test_create_project__token_without_the_scope(program: Program) -> None:
    token = program.server.studio.issue_token(MODEL_REGISTRY)

    ran = program.run("create-project", "--repo", "git@github.com:acme/models.git", token=token)

    assert (ran.code, program.server.studio.projects) == (11, []), ran.said


def test_create_project__unknown_team(program: Program) -> None:
    ran = program.run(
        "create-project", "--repo", "git@github.com:acme/models.git", "--team-name", "other"
    )

    assert "No such team" in ran.said
    assert ran.code != 0


@pytest.mark.parametrize(
    "repository",
    [
        "git@gitlab.com:acme/team/models.git",
        "https://gitlab.example.org/acme/models.git",
        "ssh://git@bitbucket.org/acme/models.git",
        "https://user:secret@github.com/acme/models.git",
    ],
)
def test_create_project__no_user_info_is_sent(program: Program, repository: str) -> None:
    ran = program.run("create-project", "--repo", repository)

    (request,) = program.server.requests
    assert (ran.code, "secret" in request.json["repo_url"]) == (0, False), ran.said
