from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import responses
from responses import matchers

from studio_action.errors import NoSuchModel, UnexpectedAnswer, Unreachable
from studio_action.model.artifact import ArtifactRef, AtStage, AtVersion, Latest, ModelName
from studio_action.net.clock import Deadline, Limits
from studio_action.net.network import Network
from studio_action.registries.extended import ExtendedStudioRegistry
from studio_action.registries.studio import StudioRegistry
from studio_action.studio import api
from studio_action.studio.session import StudioSession
from tests.fakes import MemoryRegistry, Time

BASE = "https://registry.example.org/"
RESOLVE = BASE + api.RESOLVE
OURS = {"Studio-Action": "1"}
CHURN = ArtifactRef("acme/models", ModelName("churn"))
PROD = AtStage("prod")
COMMIT = "1" * 40


def details(number: int = 1, **changes: object) -> dict[str, object]:
    """The answer about stage prod; `number` is in what changes with the URL."""
    file = {
        "path": "model.pkl",
        "url": f"https://files.example.org/model.pkl?Signature=5ec2e7{number}",
        "size": 3,
        "digest": None,
        "executable": False,
    }
    return {
        "repo": "acme/models",
        "name": "churn",
        "version": "v1.2.0",
        "stage": "prod",
        "tag": "churn@v1.2.0",
        "revision": COMMIT,
        "previous_version": "v1.1.0",
        "path": "model.pkl",
        "files": [file],
        **changes,
    }


@dataclass
class Case:
    """A registry in front of one server, and what it falls back to."""

    fallback: MemoryRegistry = field(default_factory=lambda: MemoryRegistry({"m": b"weights"}))
    said: list[str] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        limits = Limits(5.0, 1, Deadline(None, Time().clock), lambda: 0.0)
        self.session = StudioSession(BASE, lambda: "isat_x", Network(), limits, self.said.append)
        studio = StudioRegistry(self.session, self.masked.append)
        self.registry = ExtendedStudioRegistry(studio, self.fallback, "include", self.said.append)


@pytest.fixture
def case() -> Iterator[Case]:
    made = Case()
    yield made
    made.session.close()


def ours(content: object, status: int = 200, **asked: str) -> None:
    """What our own server answers next, to a question with `asked` in its query."""
    query = {"repo": "acme/models", "name": "churn", **asked}
    match = [matchers.query_param_matcher(query)]
    responses.get(RESOLVE, json=content, status=status, headers=OURS, match=match)


@responses.activate
def test_resolve__the_server_tells(case: Case) -> None:
    ours(details(), stage="prod")

    found = case.registry.resolve(CHURN, PROD)

    assert (found.version, found.tag, found.revision) == ("v1.2.0", "churn@v1.2.0", COMMIT)
    assert (found.previous_version, found.root, found.source) == ("v1.1.0", "model.pkl", "studio")
    assert [file.size for file in found.files] == [3]
    assert case.said == ["Version supplied by the server; Git tags not needed"]
    assert "5ec2e71" in case.masked
    assert case.fallback.asked == []


@responses.activate
def test_resolve__again_is_asked_by_version(case: Case) -> None:
    ours(details(), stage="prod")
    ours(details(2, stage="", previous_version=""), version="v1.2.0")
    first = case.registry.resolve(CHURN, PROD)

    again = case.registry.resolve(CHURN, PROD)

    assert (again.selector, again.stage, again.previous_version) == (PROD, "prod", "v1.1.0")
    assert "5ec2e72" in again.files[0].url != first.files[0].url
    assert "5ec2e72" in case.masked
    assert len(case.said) == 1


@responses.activate
def test_resolve__again_a_mere_commit_is_asked_by_stage(case: Case) -> None:
    commit = {"version": "", "tag": "churn#prod#1", "previous_version": ""}
    ours(details(1, **commit), stage="prod")
    ours(details(2, **commit), stage="prod")
    case.registry.resolve(CHURN, PROD)

    assert "5ec2e72" in case.registry.resolve(CHURN, PROD).files[0].url


@pytest.mark.parametrize("version", ["v1.2.0", ""], ids=["the version's tag", "the stage"])
@responses.activate
def test_resolve__what_moved_meanwhile(case: Case, version: str) -> None:
    tag = "churn@v1.2.0" if version else "churn#prod#1"
    asked = {"version": version} if version else {"stage": "prod"}
    ours(details(1, version=version, tag=tag), stage="prod")
    ours(
        details(2, version=version, tag=tag, stage=asked.get("stage", ""), revision="2" * 40),
        **asked,
    )
    case.registry.resolve(CHURN, PROD)

    with pytest.raises(UnexpectedAnswer, match=r"moved meanwhile, from commit 1111111 to 2222222"):
        case.registry.resolve(CHURN, PROD)


@responses.activate
def test_resolve__again_the_server_no_longer_names_the_version(case: Case) -> None:
    responses.get(RESOLVE, json=details(), headers=OURS)
    responses.get(RESOLVE, status=404)
    case.registry.resolve(CHURN, PROD)

    with pytest.raises(UnexpectedAnswer, match="and then no longer"):
        case.registry.resolve(CHURN, PROD)
    assert case.fallback.asked == []


@responses.activate
def test_resolve__each_question_has_its_own_answer(case: Case) -> None:
    ours(details(), stage="prod")
    ours(details(2, stage="", version="v2.0.0", tag="churn@v2.0.0"))
    case.registry.resolve(CHURN, PROD)

    assert case.registry.resolve(CHURN, Latest()).version == "v2.0.0"


@responses.activate
def test_resolve__our_server_has_no_such_version(case: Case) -> None:
    ours({"detail": "no version v9.9.9"}, 404, version="v9.9.9")

    with pytest.raises(NoSuchModel, match=r"no version v9\.9\.9"):
        case.registry.resolve(CHURN, AtVersion("v9.9.9"))
    assert case.fallback.asked == []


NOT_OURS: dict[str, dict[str, Any]] = {
    "Django's page": {"status": 404, "body": "<html><title>Not Found</title>"},
    "JSON": {"status": 404, "json": {"detail": "Not found."}},
    "an application of one page": {"status": 200, "body": "<html>"},
    "a refusal": {"status": 403, "json": {"detail": "no"}},
    "another header": {"json": details(), "headers": {"Studio-Action": "0"}},
    "a login page elsewhere": {"status": 302, "headers": {"Location": "https://login.example/"}},
}


@pytest.mark.parametrize("answer", NOT_OURS.values(), ids=NOT_OURS.keys())
@responses.activate
def test_resolve__a_server_that_is_not_ours(case: Case, answer: dict[str, Any]) -> None:
    responses.get(RESOLVE, **answer)
    case.registry.resolve(CHURN, PROD)
    case.registry.resolve(CHURN, Latest())

    assert case.fallback.asked == [(CHURN, PROD), (CHURN, Latest())]
    assert len(responses.calls) == 1
    assert case.said == []


@pytest.mark.parametrize("headers", [{}, OURS], ids=["a proxy's", "ours"])
@responses.activate
def test_resolve__a_server_that_is_down(case: Case, headers: dict[str, str]) -> None:
    responses.get(RESOLVE, status=502, headers=headers)

    with pytest.raises(Unreachable, match="502"):
        case.registry.resolve(CHURN, PROD)
    assert case.fallback.asked == []
