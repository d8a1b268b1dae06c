from __future__ import annotations

import json

import pytest

from studio_action.errors import (
    BadInput,
    NoSuchModel,
    StudioActionError,
    TokenRefused,
    UnexpectedAnswer,
    Unreachable,
)
from studio_action.model.artifact import (
    ArtifactRef,
    AtStage,
    AtVersion,
    Latest,
    ModelName,
    Selector,
)
from studio_action.studio import api
from studio_action.studio.api import Answer, NewProject, Project

CHURN = ArtifactRef("acme/models", ModelName.parse("models/dvc.yaml:churn"))
ASKED = "the stage prod of churn"
URL = "https://studio.example.org/api/model-registry/get-download-uris"
OBJECT = (
    "https://bucket.s3.amazonaws.com/files/md5/86/bd02376ac675568ba2fac566169ef9?X-Amz-Expires=3600"
)


def answer(status: int, content: object, endpoint: str = api.DOWNLOAD_URIS) -> Answer:
    body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
    return Answer(endpoint, URL, status, body)


@pytest.mark.parametrize(
    ("selector", "extra"),
    [
        (AtVersion("v1.2.0"), {"version": "v1.2.0"}),
        (AtStage("prod"), {"stage": "prod"}),
        (Latest(), {}),
    ],
)
def test_download_uris_query(selector: Selector, extra: dict[str, str]) -> None:
    asked = {"repo": "acme/models", "name": "models:churn"}
    assert api.download_uris_query(CHURN, selector) == asked | extra


def test_read_download_uris() -> None:
    assert api.read_download_uris(answer(200, {"m/a": OBJECT}), ASKED) == {"m/a": OBJECT}


NOT_THE_API = {
    "a page": "<html><title>Log in</title></html>",
    "nothing": "",
    "cut JSON": '{"m/a": "https://x/',
    "a list": ["m/a"],
    "text": "m/a",
    "no files": {},
    "no text as URL": {"m/a": 1},
    "null as URL": {"m/a": None},
    "file URL": {"m/a": "file:///etc/passwd"},
    "ftp URL": {"m/a": "ftp://host/x"},
    "URL without a host": {"m/a": "https:///x"},
    "URL with a line break": {"m/a": "https://host/x\r\nHost: y"},
    "URL with a bad port": {"m/a": "https://host:99999/x"},
    "relative URL": {"m/a": "/x"},
    "URL with user info": {"m/a": "https://user:secret@host/x"},
    "URL without an end": {"m/a": "https://host/" + "x" * 20_000},
    "brackets without an end": "[" * 200_000,
    "nested JSON": '{"m/a":' * 200_000,
    "path that turns around": {"m/\u202ekp.a": OBJECT},
    "path that hides something": {"m/a\u2060": OBJECT},
    "path that is no text": {"m/\ud800": OBJECT},
    "path that leaves": {"../x": OBJECT},
    "absolute path": {"/x": OBJECT},
    "path into git": {".git/hooks/x": OBJECT},
    "Windows path": {"C:\\x": OBJECT},
    "NUL": {"x\x00y": OBJECT},
    "file and folder": {"x": OBJECT, "x/y": OBJECT},
    "names that differ by case": {"x": OBJECT, "X": OBJECT},
}


@pytest.mark.parametrize("content", NOT_THE_API.values(), ids=NOT_THE_API.keys())
def test_read_download_uris__not_the_api(content: object) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        api.read_download_uris(answer(200, content), ASKED)
    assert str(caught.value).isprintable()
    assert "X-Amz" not in str(caught.value)


STATUSES: list[tuple[int, object, type[StudioActionError], str]] = [
    (401, {"detail": "Invalid token."}, TokenRefused, "Invalid token."),
    (401, "", TokenRefused, "401"),
    (403, {"detail": "You do not have permission"}, TokenRefused, "Model Registry operations"),
    (404, {"detail": "Not found."}, NoSuchModel, "Not found."),
    (404, {"message": "Model not found"}, NoSuchModel, "Model not found"),
    (404, "<html><title>Page not found</title>", UnexpectedAnswer, "Page not found"),
    (404, "", UnexpectedAnswer, "studio-url"),
    (400, {"repo": ["This field is required."]}, BadInput, "repo: This field is required."),
    (400, {"non_field_errors": ["a", "b"]}, BadInput, "a; b"),
    (
        422,
        {"detail": [{"loc": ["query", "repo"], "msg": "Required"}]},
        BadInput,
        "query.repo: Required",
    ),
    (405, "<html>", UnexpectedAnswer, "405"),
    (409, {"detail": "It is there already"}, BadInput, "It is there already"),
    (429, {"detail": "throttled"}, Unreachable, "throttled"),
    (500, "<html><title>Server Error</title>", Unreachable, "Server Error"),
    (503, "", Unreachable, "503"),
    (302, "", UnexpectedAnswer, "302"),
]


@pytest.mark.parametrize(("status", "content", "kind", "said"), STATUSES)
def test_read_download_uris__refused(
    status: int, content: object, kind: type[StudioActionError], said: str
) -> None:
    with pytest.raises(kind) as caught:
        api.read_download_uris(answer(status, content), ASKED)
    assert type(caught.value) is kind
    assert said in str(caught.value)
    assert str(status) in str(caught.value)


def test_read_download_uris__names_that_people_have() -> None:
    names = [
        "m/Screenshot 3.45\u202fPM.png",
        "m/\u0645\u06cc\u200c\u062e",
        "m/\U0001f468\u200d\U0001f4bb",
    ]
    uris = dict.fromkeys(names, OBJECT)
    assert api.read_download_uris(answer(200, uris), ASKED) == uris


def test_read_download_uris__more_files_than_a_model_has() -> None:
    with pytest.raises(UnexpectedAnswer, match="500001 files, more than 500000"):
        api.check_paths(answer(200, {}), range(api.MOST_FILES + 1))  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [400, 404, 500])
def test_refused__an_error_nested_without_an_end(status: int) -> None:
    with pytest.raises(StudioActionError, match=str(status)):
        api.read_download_uris(answer(status, '{"detail":' * 200_000), ASKED)


def test_refused__a_project_names_its_own_scope() -> None:
    refusal = answer(403, {"detail": "no"}, api.CREATE_PROJECT)
    with pytest.raises(TokenRefused, match=r"Admin operations.*PROJECT"):
        api.read_projects(refusal, "the project of acme/models")


def test_refused__server_text_cannot_command_the_ci_system() -> None:
    hostile = answer(400, {"detail": "x\n::set-output name=a::b\x1b[31m ##[error]y"})
    with pytest.raises(BadInput) as caught:
        api.read_download_uris(hostile, ASKED)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert "##[" not in str(caught.value)


def test_new_project__only_what_was_given_is_sent() -> None:
    assert NewProject("git@github.com:a/b.git").body == {
        "repo_url": "git@github.com:a/b.git",
        "public": False,
    }
    whole = NewProject("git@github.com:a/b.git", "n", "t", "s", public=True)
    assert whole.body == {
        "repo_url": "git@github.com:a/b.git",
        "public": True,
        "name": "n",
        "team_name": "t",
        "subdir": "s",
    }


PROJECT = {"id": "tsan", "url": "https://studio/user/u/projects/x-tsan", "name": "x"}


@pytest.mark.parametrize("status", [200, 201])
def test_read_projects(status: int) -> None:
    found = api.read_projects(answer(status, {"projects": [PROJECT | {"more": 1}]}), ASKED)
    assert found == [Project("tsan", "https://studio/user/u/projects/x-tsan", "x")]


@pytest.mark.parametrize(
    "content",
    [
        {"projects": []},
        {"projects": "x"},
        {"projects": [{"id": "x"}]},
        {"projects": [PROJECT | {"url": "javascript:alert(1)"}]},
        {"projects": [PROJECT | {"url": "https://user:pw@studio/x"}]},
        {"projects": [PROJECT | {"url": "https://studio/\u202ex"}]},
        {"projects": [PROJECT | {"id": "a\nb"}]},
        {"projects": [PROJECT | {"name": "a\x1b[31mb"}]},
        {"projects": [PROJECT | {"name": "a\ud800"}]},
        {"projects": [PROJECT | {"name": "a" * 10_000}]},
        [],
        "<html>",
    ],
)
def test_read_projects__not_the_api(content: object) -> None:
    with pytest.raises(UnexpectedAnswer):
        api.read_projects(answer(201, content), ASKED)
