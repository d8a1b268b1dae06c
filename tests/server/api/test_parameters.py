from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.model.artifact import AtStage, AtVersion, Latest, ModelName, Selector
from studio_action.model.repository_url import RepositoryUrl
from studio_action.model.versions import InRange
from studio_action.server.api import documents
from studio_action.server.api.parameters import (
    ModelRequest,
    parse_model_request,
    parse_project_request,
)
from studio_action.server.api.responses import ApiError
from studio_action.studio.api import NewProject

REPOSITORY = RepositoryUrl("short", "", "acme/models")
REQUIRED = {"repo": "acme/models", "name": "churn"}
JSON = "application/json"


def status_of(ask: Callable[[], object]) -> int:
    try:
        ask()
    except ApiError as refused:
        return refused.status
    return 200


def asked(*, ranges: bool = True, **fields: str) -> ModelRequest:
    return parse_model_request(urlencode({**REQUIRED, **fields}).encode(), ranges=ranges)


@pytest.mark.parametrize(
    ("fields", "selector"),
    [
        pytest.param({}, Latest(), id="latest"),
        pytest.param({"version": "v1.2.0"}, AtVersion("v1.2.0"), id="a version"),
        pytest.param({"version": "^1.2"}, InRange("^1.2"), id="a range"),
        pytest.param({"stage": "prod"}, AtStage("prod"), id="a stage"),
        pytest.param({"version": "", "stage": "prod"}, AtStage("prod"), id="an empty version"),
        pytest.param({"revision": "HEAD"}, Latest(), id="an unknown parameter"),
    ],
)
def test_model_question__selectors(fields: dict[str, str], selector: Selector) -> None:
    assert asked(**fields) == ModelRequest(REPOSITORY, ModelName("churn"), selector)


def test_model_question__prerelease() -> None:
    assert asked(prerelease="only").prerelease == "only"


def test_model_question__what_only_we_have_is_not_in_the_documented_endpoint() -> None:
    assert asked(ranges=False, prerelease="nonsense").prerelease == "include"


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        pytest.param(
            "",
            {"repo": ["This field is required."], "name": ["This field is required."]},
            id="nothing",
        ),
        pytest.param("repo=&name=churn", {"repo": ["This field may not be blank."]}, id="blank"),
        pytest.param(
            "repo=a/b&name=churn&version=v1.0.0&stage=prod",
            {"non_field_errors": ["Give a version or a stage, not both."]},
            id="version and stage",
        ),
        pytest.param(
            "repo=a/b&repo=c/d&name=x",
            {"repo": ["This field was given more than once."]},
            id="twice",
        ),
        pytest.param(
            "repo=a/b&name=x%00", {"name": ["Null characters are not allowed."]}, id="a NUL"
        ),
        pytest.param(
            f"repo=a/b&name={'x' * 1001}",
            {"name": ["Ensure this field has no more than 1000 characters."]},
            id="too long",
        ),
        pytest.param(
            "repo=a/b&name=x&prerelease=maybe",
            {"prerelease": ['"maybe" is not a valid choice.']},
            id="no choice",
        ),
        pytest.param("repo=a/b&name=%FF", None, id="not UTF-8"),
        pytest.param("&".join(f"x{each}=" for each in range(200)), None, id="too many"),
    ],
)
def test_model_question__faults(query: str, faults: object) -> None:
    with pytest.raises(ApiError) as refused:
        parse_model_request(query.encode(), ranges=True)

    assert refused.value.status == 400
    if faults is not None:
        assert refused.value.body == faults


@pytest.mark.parametrize("field", ["repo", "name", "version", "stage"])
@pytest.mark.parametrize("text", ["a b", "..", "x\ny", "café\u202e", "-", "'; DROP TABLE", "//"])
def test_model_question__texts_that_name_nothing(field: str, text: str) -> None:
    with pytest.raises(ApiError) as refused:
        asked(ranges=False, **{field: text})

    assert list(refused.value.body) == [field]


def test_model_question__user_info_is_not_repeated() -> None:
    with pytest.raises(ApiError) as refused:
        asked(repo="ftp://user:hunter2@host/x")

    assert "hunter2" not in str(refused.value.body)


@given(st.binary(max_size=200))
def test_model_question__no_query_is_a_fault_of_ours(query: bytes) -> None:
    assert status_of(lambda: parse_model_request(query, ranges=True)) in (200, 400)


def project(**fields: object) -> NewProject:
    body = json.dumps({"repo_url": "https://git.example.org/acme/models.git", **fields})
    return parse_project_request(JSON, body.encode())


def test_project_question__every_field() -> None:
    found = project(name="Churn model", team_name="ml", subdir="models/churn/", public=True)

    address = RepositoryUrl("https", "git.example.org", "acme/models.git")
    assert found == NewProject(str(address), "Churn model", "ml", "models/churn", True)


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        pytest.param({"repo_url": ""}, {"repo_url": ["This field may not be blank."]}, id="blank"),
        pytest.param({"repo_url": None}, {"repo_url": ["This field may not be null."]}, id="null"),
        pytest.param({"repo_url": 5}, {"repo_url": ["Not a valid string."]}, id="a number"),
        pytest.param({"public": "yes"}, {"public": ["Must be a valid boolean."]}, id="public"),
        pytest.param({"public": 1}, {"public": ["Must be a valid boolean."]}, id="one"),
        pytest.param({"team_name": "a/b"}, {"team_name": ["Enter the name of a team."]}, id="team"),
        pytest.param({"name": "a\nb"}, {"name": ["Enter a name on one line."]}, id="two lines"),
        pytest.param({"name": "\ud800"}, {"name": ["Enter a name on one line."]}, id="surrogate"),
        pytest.param(
            {"name": "x" * 101},
            {"name": ["Ensure this field has no more than 100 characters."]},
            id="a long name",
        ),
    ],
)
def test_project_question__faults(fields: dict[str, object], faults: object) -> None:
    with pytest.raises(ApiError) as refused:
        project(**fields)

    assert (refused.value.status, refused.value.body) == (400, faults)


@pytest.mark.parametrize(
    "subdir", ["/etc", "../up", "a/../../b", ".git/hooks", "a\\b", "C:/x", "a//b"]
)
def test_project_question__subdirs_outside(subdir: str) -> None:
    with pytest.raises(ApiError) as refused:
        project(subdir=subdir)

    assert list(refused.value.body) == ["subdir"]


@pytest.mark.parametrize(
    ("content_type", "body", "status", "text"),
    [
        pytest.param("text/plain", b"{}", 415, 'Unsupported media type "text/plain"', id="type"),
        pytest.param("", b"{}", 415, 'Unsupported media type ""', id="no type"),
        pytest.param(JSON, b"{", 400, "JSON parse error - ", id="no JSON"),
        pytest.param(JSON, b"\xff", 400, "JSON parse error - not JSON in UTF-8", id="no UTF-8"),
        pytest.param(JSON, b"[" * 100_000, 400, "JSON parse error - ", id="deep"),
        pytest.param(JSON, b"[]", 400, "Expected a dictionary, but got list.", id="a list"),
        pytest.param("", b"", 400, "This field is required.", id="nothing"),
        pytest.param(f"{JSON}; charset=utf-8", b"{}", 400, "is required", id="with a charset"),
    ],
)
def test_project_question__bodies(content_type: str, body: bytes, status: int, text: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_project_request(content_type, body)

    assert refused.value.status == status
    assert text in str(refused.value.body)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_project_question__no_value_is_a_fault_of_ours(value: object) -> None:
    fields = dict.fromkeys(("name", "team_name", "subdir", "repo_url", "public"), value)

    assert status_of(lambda: project(**fields)) in (200, 400)


def test_new_project__is_described_field_by_field() -> None:
    described = documents.NewProject.model_fields
    assert list(described) == [each.name for each in fields(NewProject)]
