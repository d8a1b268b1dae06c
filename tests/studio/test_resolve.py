from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone

import pytest

from studio_action.errors import (
    BadInput,
    NoSuchModel,
    ObjectMissing,
    StudioActionError,
    TokenRefused,
    UnexpectedAnswer,
    Unreachable,
)
from studio_action.gitrepo.gto.history import Prerelease
from studio_action.model.artifact import (
    ArtifactRef,
    AtStage,
    AtVersion,
    Latest,
    ModelName,
    RemoteFile,
    Resolution,
    Selector,
)
from studio_action.model.digest import Digest
from studio_action.model.tagging import Tagging
from studio_action.model.versions import InRange
from studio_action.studio import api
from studio_action.studio.api import Answer
from studio_action.studio.resolve import (
    CommittedPolicy,
    read_details,
    read_resolution,
    resolve_query,
)

CHURN = ArtifactRef("acme/models", ModelName("churn", "models"))
URL = f"https://registry.example.org/{api.RESOLVE}"
HEX = "86bd02376ac675568ba2fac566169ef9"
OBJECT = f"https://bucket.s3.amazonaws.com/files/md5/{HEX[:2]}/{HEX[2:]}?Expires=1800000000&x=1"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILE: Mapping[str, object] = {
    "path": "models/churn/a",
    "url": OBJECT,
    "size": 12,
    "digest": f"md5:{HEX}",
    "executable": True,
}
PLAIN: Mapping[str, object] = {
    "path": "models/churn/b c",
    "url": "https://files.example.org/b",
    "size": None,
    "digest": None,
    "executable": False,
}
WHOLE: Mapping[str, object] = {
    "repo": "acme/models",
    "name": "models:churn",
    "version": "v1.2.0",
    "stage": "prod",
    "tag": "models=churn@v1.2.0",
    "revision": COMMIT,
    "previous_version": "v1.1.0",
    "path": "models/churn",
    "files": [PLAIN, FILE],
}
PROD = AtStage("prod")


def answer(content: object, status: int = 200) -> Answer:
    body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
    return Answer(api.RESOLVE, URL, status, body, extended=True)


@pytest.mark.parametrize(
    ("selector", "prerelease", "extra"),
    [
        pytest.param(AtVersion("v1.2.0"), "exclude", {"version": "v1.2.0"}, id="version"),
        pytest.param(AtStage("prod"), "only", {"stage": "prod"}, id="stage"),
        pytest.param(Latest(), "include", {}, id="latest"),
        pytest.param(Latest(), "only", {"prerelease": "only"}, id="latest pre-release"),
        pytest.param(
            InRange.parse(">= v1.x, <3"),
            "exclude",
            {"version": ">=1.*,<3", "prerelease": "exclude"},
            id="range",
        ),
    ],
)
def test_resolve_query(selector: Selector, prerelease: Prerelease, extra: dict[str, str]) -> None:
    asked = {"repo": "acme/models", "name": "models:churn"}
    assert resolve_query(CHURN, selector, prerelease) == asked | extra


@pytest.mark.parametrize(
    "text", ["^1.2", "~1.2.3", "1.x", ">= 1, <2.0.0-rc.1", "v1", "*", "=1.2.3"]
)
def test_resolve_query__a_range_is_read_as_the_same_by_the_server(text: str) -> None:
    wanted = InRange.parse(text)
    assert InRange.parse(resolve_query(CHURN, wanted, "include")["version"]) == wanted


def test_read_resolution() -> None:
    assert read_resolution(answer(WHOLE), CHURN, PROD) == Resolution(
        CHURN,
        PROD,
        "studio",
        (
            RemoteFile(
                "models/churn/a",
                OBJECT,
                12,
                Digest("md5", HEX),
                datetime.fromtimestamp(1_800_000_000, timezone.utc),
                executable=True,
            ),
            RemoteFile("models/churn/b c", "https://files.example.org/b"),
        ),
        "v1.2.0",
        "prod",
        "models=churn@v1.2.0",
        COMMIT,
        "v1.1.0",
        "models/churn",
    )


NO_STAGE = {"stage": "", "previous_version": ""}
ANSWERS = [
    pytest.param(PROD, {"version": "", "tag": "models=churn#prod#3"}, id="a mere commit"),
    pytest.param(PROD, {"version": "", "tag": "models=churn#dev!#4"}, id="a stage taken"),
    pytest.param(PROD, {"previous_version": ""}, id="no previous"),
    pytest.param(PROD, {"tag": "models=churn@v1.2.0#2"}, id="a tag with a counter"),
    pytest.param(PROD, {"path": ""}, id="the whole repository"),
    pytest.param(PROD, {"path": FILE["path"], "files": [FILE]}, id="one file"),
    pytest.param(PROD, {"more": 1, "files": [{**FILE, "more": 1}]}, id="more than we know"),
    pytest.param(AtVersion("v1.2.0"), NO_STAGE, id="version"),
    pytest.param(Latest(), NO_STAGE, id="latest"),
    pytest.param(InRange.parse("^1.1"), NO_STAGE, id="range"),
]


@pytest.mark.parametrize(("selector", "changes"), ANSWERS)
def test_read_resolution__of_another_question(
    selector: Selector, changes: Mapping[str, object]
) -> None:
    found = read_resolution(answer({**WHOLE, **changes}), CHURN, selector)
    assert found.selector == selector


def test_read_resolution__the_url_alone_tells_the_digest() -> None:
    told = {**WHOLE, "files": [{**FILE, "digest": None}]}
    (file,) = read_resolution(answer(told), CHURN, PROD).files
    assert file.digest == Digest("md5", HEX)


def of_file(**changes: object) -> dict[str, object]:
    return {"files": [{**FILE, **changes}]}


LEGACY = OBJECT.replace("files/md5/", "")
CONTRADICTIONS = {
    "no name": {"name": None},
    "another model": {"name": "churn"},
    "no version": {"version": None},
    "a version that is none": {"version": "1.2"},
    "another version than the tag's": {"version": "v1.3.0"},
    "another stage": {"stage": "dev"},
    "no tag": {"tag": ""},
    "another model's tag": {"tag": "churn@v1.2.0"},
    "a tag that is not GTO's": {"tag": "v1.2.0"},
    "a tag that takes the version back": {"tag": "models=churn@v1.2.0!"},
    "a version by a stage's tag": {"tag": "models=churn#prod#1"},
    "a tag with a line break": {"tag": "models=churn@v1.2.0\nx"},
    "a branch as revision": {"revision": "main"},
    "no revision": {"revision": ""},
    "a previous version that is none": {"previous_version": "$(x)"},
    "a tagger that is none": {"registered": "Ada"},
    "a tagger without a time": {"assigned": {"tag": "t", "tagger": "Ada", "when": None}},
    "a tagger that turns around": {"assigned": {"tag": "t", "tagger": "\u202eAda", "when": 1}},
    "a path that leaves": {"path": "../models"},
    "an absolute path": {"path": "/models"},
    "a file that is not in the path": {"path": "models/ch"},
    "no files": {"files": []},
    "files by path": {"files": {"models/churn/a": OBJECT}},
    "a file that is text": {"files": ["models/churn/a"]},
    "a file without executable": {"files": [{k: v for k, v in FILE.items() if k != "executable"}]},
    "executable as text": of_file(executable="no"),
    "file path that leaves": of_file(path="models/churn/../../x"),
    "file path into git": of_file(path="models/churn/.git/config"),
    "file URL": of_file(url="file:///etc/passwd"),
    "URL with a line break": of_file(url=OBJECT + "\r\nX: y"),
    "no URL": of_file(url=None),
    "negative size": of_file(size=-1),
    "a size beyond any disk": of_file(size=1 << 63),
    "file path that turns around": of_file(path="models/churn/\u202ea"),
    "URL with user info": of_file(url="https://user:pw@host/a"),
    "a path that hides something": {
        "path": "models/a\u2060",
        "files": [{**FILE, "path": "models/a\u2060/b"}],
    },
    "size as truth": of_file(size=True),
    "size as text": of_file(size="12"),
    "a digest that is none": of_file(digest="sha256:0"),
    "an empty digest": of_file(digest=""),
    "a folder's digest": of_file(digest=f"md5:{HEX}.dir", url="https://h/x"),
    "a digest that the URL contradicts": of_file(digest=f"md5:{HEX[::-1]}"),
    "an algorithm that the URL contradicts": of_file(url=LEGACY),
    "two files of one name": {"files": [FILE, FILE]},
    "a file and a folder": {"files": [FILE, {**PLAIN, "path": "models/churn/a/b"}]},
}


@pytest.mark.parametrize("changes", CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_read_resolution__contradiction(changes: Mapping[str, object]) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        read_resolution(answer({**WHOLE, **changes}), CHURN, PROD)
    assert str(caught.value).isprintable()
    assert "Expires" not in str(caught.value)


@pytest.mark.parametrize(
    ("selector", "changes"),
    [
        pytest.param(AtVersion("v1.1.0"), {"stage": ""}, id="another version"),
        pytest.param(AtVersion("v1.2.0"), {}, id="a stage for a version"),
        pytest.param(Latest(), {}, id="a stage for the latest"),
        pytest.param(InRange.parse("^2"), {"stage": ""}, id="out of range"),
        pytest.param(
            InRange.parse("*"),
            {"stage": "", "version": "", "tag": "models=churn#prod#1"},
            id="a mere commit for a range",
        ),
    ],
)
def test_read_resolution__not_what_was_asked(
    selector: Selector, changes: Mapping[str, object]
) -> None:
    with pytest.raises(UnexpectedAnswer, match="what is not the"):
        read_resolution(answer({**WHOLE, **changes}), CHURN, selector)


@pytest.mark.parametrize(
    "content", ["", "<html><title>Log in</title>", "[]", '{"repo": "acme', "[" * 200_000]
)
def test_read_resolution__no_document(content: str) -> None:
    with pytest.raises(UnexpectedAnswer, match="no JSON object"):
        read_resolution(answer(content), CHURN, PROD)


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (401, {"detail": "Invalid token."}, TokenRefused),
        (403, {"detail": "You do not have permission"}, TokenRefused),
        (404, {"detail": "no stage prod"}, NoSuchModel),
        (404, "<html>", UnexpectedAnswer),
        (409, {"detail": "an object is not in its remote"}, ObjectMissing),
        (400, {"version": ["Not a version."]}, BadInput),
        (429, {"detail": "throttled"}, Unreachable),
        (503, "", Unreachable),
    ],
)
def test_read_resolution__refused(
    status: int, content: object, kind: type[StudioActionError]
) -> None:
    with pytest.raises(kind) as caught:
        read_resolution(answer(content, status), CHURN, PROD)
    said = f"answered {status} for stage prod of models:churn"
    assert said in str(caught.value) or caught.value.message == "no stage prod"


@pytest.mark.parametrize(
    ("told", "policy"),
    [
        ({}, None),
        ({"policy": None}, None),
        ({"policy": {"revision": COMMIT, "text": ""}}, CommittedPolicy(COMMIT, "")),
        (
            {"policy": {"revision": COMMIT, "text": "rules:\n- a\n"}},
            CommittedPolicy(COMMIT, "rules:\n- a\n"),
        ),
    ],
)
def test_read_details__the_policy(
    told: Mapping[str, object], policy: CommittedPolicy | None
) -> None:
    found = read_details(answer({**WHOLE, **told}), CHURN, PROD)

    assert found.policy == policy
    assert found.resolution == read_resolution(answer(WHOLE), CHURN, PROD)


@pytest.mark.parametrize(
    "policy",
    [
        *("rules: []", [], {}, {"revision": COMMIT}, {"revision": "main", "text": ""}),
        *({"revision": "", "text": ""}, {"revision": COMMIT, "text": None}),
        {"revision": COMMIT, "text": "#" * 70_000},
    ],
)
def test_read_details__no_policy(policy: object) -> None:
    with pytest.raises(UnexpectedAnswer, match="a policy without a commit, or one that is too"):
        read_details(answer({**WHOLE, "policy": policy}), CHURN, PROD)


def test_read_resolution__who_registered_and_assigned_it() -> None:
    told = {"tag": "models=churn#prod#1", "tagger": "Ada", "when": 1_772_366_400}

    found = read_resolution(answer({**WHOLE, "assigned": told, "registered": None}), CHURN, PROD)

    assert found.assigned == Tagging("models=churn#prod#1", "Ada", 1_772_366_400)
    assert found.registered is None
    assert read_resolution(answer(WHOLE), CHURN, PROD).assigned is None
