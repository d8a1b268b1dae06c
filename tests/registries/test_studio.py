from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
import responses

from studio_action.errors import UnexpectedAnswer
from studio_action.model.artifact import ArtifactRef, AtStage, AtVersion, ModelName
from studio_action.model.digest import Digest
from studio_action.net.clock import Deadline, Limits
from studio_action.net.network import Network
from studio_action.registries.studio import StudioRegistry
from studio_action.studio.api import NewProject, Project
from studio_action.studio.session import StudioSession
from tests.fakes import Time

BASE = "https://studio.example.org/"
URIS = BASE + "api/model-registry/get-download-uris"
CHURN = ArtifactRef("acme/models", ModelName("churn"))
S3 = (
    "https://bucket.s3.amazonaws.com/registry/{key}?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIA&X-Amz-Date=20230706T134619Z&X-Amz-Expires=3600"
    "&X-Amz-SignedHeaders=host&X-Amz-Signature=5ec2e7{number}"
)


@pytest.fixture
def secrets() -> list[str]:
    return []


@pytest.fixture
def studio(secrets: list[str]) -> Iterator[StudioRegistry]:
    limits = Limits(5.0, 0, Deadline(None, Time().clock), lambda: 0.0)
    session = StudioSession(BASE, lambda: "isat_x", Network(), limits, secrets.append)
    yield StudioRegistry(session, secrets.append)
    session.close()


@responses.activate
def test_resolve__what_the_urls_tell(studio: StudioRegistry, secrets: list[str]) -> None:
    v3 = S3.format(key="files/md5/86/bd02376ac675568ba2fac566169ef9", number=1)
    v2 = S3.format(key="86/bd02376ac675568ba2fac566169ef9", number=2)
    plain = "https://files.example.org/churn/model.bin"
    responses.get(URIS, json={"c/plain": plain, "b/v2": v2, "a/v3": v3})

    found = studio.resolve(CHURN, AtStage("prod"))

    assert [file.path for file in found.files] == ["a/v3", "b/v2", "c/plain"]
    hexed = "86bd02376ac675568ba2fac566169ef9"
    assert [file.digest for file in found.files] == [
        Digest("md5", hexed),
        Digest("md5-dos2unix", hexed),
        None,
    ]
    until = datetime(2023, 7, 6, 14, 46, 19, tzinfo=timezone.utc)
    assert [file.expires for file in found.files] == [until, until, None]
    assert (found.stage, found.version, found.revision) == ("prod", "", "")
    assert {"5ec2e71", "5ec2e72"} <= set(secrets)
    assert "X-Amz" not in repr(found)


@responses.activate
def test_resolve__a_version_that_was_asked_for_is_known(studio: StudioRegistry) -> None:
    responses.get(URIS, json={"a": "https://files.example.org/a"})
    assert studio.resolve(CHURN, AtVersion("v1.2.0")).version == "v1.2.0"


@responses.activate
def test_create_project(studio: StudioRegistry) -> None:
    row = {"id": "x1", "url": "https://studio.example.org/p/x1", "name": "models"}
    responses.post(BASE + "api/create-project", status=201, json={"projects": [row]})
    assert studio.create_project(NewProject("git@github.com:acme/models.git")) == [Project(**row)]


def test_resolve_details__without_a_token_nothing_is_known_of_the_server() -> None:
    def token() -> str:
        raise UnexpectedAnswer("the URL for ID tokens answered a page")

    session = StudioSession(BASE, token, Network(), Limits(5.0, 0), print)

    with pytest.raises(UnexpectedAnswer, match="answered a page"):
        StudioRegistry(session, print).resolve_details(CHURN, AtStage("prod"), "include")
