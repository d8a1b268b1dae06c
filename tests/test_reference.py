"""The reference server is no fake: it refuses what the real servers refuse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests

from tests import reference, sample
from tests.reference import ReferenceServer

DOWNLOAD_URIS = "/api/model-registry/get-download-uris"
CREATE_PROJECT = "/api/create-project"


class Caller:
    """Somebody who asks the reference server, with or without a token."""

    def __init__(self, server: ReferenceServer, session: requests.Session) -> None:
        self.server, self.session = server, session

    def ask(self, path: str = DOWNLOAD_URIS, token: str = "", **query: str) -> requests.Response:
        headers = {"Authorization": f"token {token or self.server.token}"}
        return self.session.get(self.server.url + path, params=query, headers=headers)

    def url(self, model: str) -> str:
        """The signed URL of the only file of `model`."""
        (url,) = self.ask(repo=reference.REPOSITORY, name=model).json().values()
        return str(url)


@pytest.fixture
def caller(studio: ReferenceServer) -> Iterator[Caller]:
    with requests.Session() as session:
        yield Caller(studio, session)


def cases() -> Iterator[tuple[str, str, str, str]]:
    """Model, parameter, value and the version that the real gto resolves it to."""
    for name, model in sample.expected()["models"].items():
        for version, found in model["versions"].items():
            if "problem" not in found and len(version) < 40:
                yield name, "version", version, version
        for stage, version in model["stages"].items():
            yield name, "stage", stage, version


SERVED = [case for case in cases() if case[0] not in ("local-model", "unpushed-model")]


@pytest.mark.parametrize(("name", "key", "value", "version"), SERVED)
def test_download_uris__every_version_and_stage(
    caller: Caller, name: str, key: str, value: str, version: str
) -> None:
    answer = caller.ask(repo=reference.REPOSITORY, name=name, **{key: value})

    files = sample.expected()["models"][name]["versions"][version]["files"]
    contents = {path: caller.session.get(url).content for path, url in answer.json().items()}
    assert contents == {
        file["path"]: sample.object_path(file["url"]).read_bytes() for file in files
    }


@pytest.mark.parametrize(
    ("query", "status", "body"),
    [
        ({"name": "a"}, 400, {"repo": ["This field is required."]}),
        (
            {"repo": "acme/models", "name": "a", "version": "v1.0.0", "stage": "prod"},
            400,
            {"non_field_errors": ["Give a version or a stage, not both."]},
        ),
        ({"repo": "acme/other", "name": "text-classifier"}, 404, {"detail": "Not found."}),
        ({"repo": "acme/models", "name": "other"}, 404, {"detail": "Not found."}),
        ({"repo": "acme/models", "name": "gone-model"}, 404, {"detail": "Not found."}),
        ({"repo": "acme/models", "name": "local-model"}, 400, {"detail": "Remote not supported"}),
    ],
    ids=["no repo", "version and stage", "repo", "model", "deprecated model", "local remote"],
)
def test_download_uris__refused(
    caller: Caller, query: dict[str, str], status: int, body: object
) -> None:
    answer = caller.ask(**query)

    assert (answer.status_code, answer.json()) == (status, body)


@pytest.mark.parametrize(
    "repository",
    [
        "acme/models",
        "git@github.com:acme/models.git",
        "https://gitlab.example.org/acme/models.git",
        "ssh://git@bitbucket.org/acme/models",
    ],
)
def test_download_uris__forms_of_a_repository(caller: Caller, repository: str) -> None:
    assert caller.ask(repo=repository, name="web-model").ok


def test_token__unknown(caller: Caller) -> None:
    answer = caller.ask(token="isat_other")

    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token."})


def test_token__without_the_scope(caller: Caller) -> None:
    token = caller.server.studio.issue_token(reference.PROJECT)

    answer = caller.ask(token=token, repo=reference.REPOSITORY, name="web-model")

    assert answer.status_code == 403


def test_unknown_path__is_html(caller: Caller) -> None:
    answer = caller.ask("/model-registry/get-download-uris")

    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (
        404,
        "text/html",
    )


def test_storage__signature_of_another_object(caller: Caller) -> None:
    ours, other = caller.url("az-model"), caller.url("legacy-model")

    mixed = ours.partition("?")[0] + "?" + other.partition("?")[2]

    assert caller.session.get(mixed).status_code == 403


def test_storage__expired(caller: Caller) -> None:
    storage, studio = caller.server.storage, caller.server.studio
    studio.signers["azure"] = lambda url, moment, lifetime: storage.sign(
        url, moment - lifetime - timedelta(seconds=1), lifetime
    )

    assert "expired" in caller.session.get(caller.url("az-model")).text


def test_storage__token_sent_along(caller: Caller) -> None:
    answer = caller.session.get(caller.url("az-model"), headers={"Authorization": "token x"})

    assert answer.status_code == 400


def test_storage__range(caller: Caller) -> None:
    answer = caller.session.get(caller.url("az-model"), headers={"Range": "bytes=29990-"})

    assert (answer.status_code, answer.headers["Content-Range"], len(answer.content)) == (
        206,
        "bytes 29990-29999/30000",
        10,
    )


def test_create_project(caller: Caller) -> None:
    answer = caller.session.post(
        caller.server.url + CREATE_PROJECT,
        json={"repo_url": "git@github.com:acme/models.git", "team_name": "acme"},
        headers={"Authorization": f"token {caller.server.token}"},
    )

    (project,) = answer.json()["projects"]
    assert (answer.status_code, project["name"]) == (201, "models")
    assert project["url"].endswith(f"/team/acme/projects/models-{project['id']}")
