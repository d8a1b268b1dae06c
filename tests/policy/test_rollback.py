from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import PolicyRefused
from studio_action.model.artifact import ArtifactRef, AtStage, ModelName, Resolution
from studio_action.model.digest import Digest
from studio_action.policy.rollback import EarlierDownload, OnRollback, VersionLimits

CHURN = ArtifactRef("acme/models", ModelName("churn"))
FIRST, SECOND = "a" * 40, "b" * 40
OLD, NEW = Digest("md5", "0" * 32 + ".dir"), Digest("md5", "1" * 32 + ".dir")
UNKNOWN = EarlierDownload("acme/models", "churn", "", "", "", None)
EARLIER = replace(UNKNOWN, version="v2.0.0", tag="churn@v2.0.0", revision=FIRST, digest=OLD)


def found(version: str = "", revision: str = "", tag: str = "") -> Resolution:
    return Resolution(
        CHURN, AtStage("prod"), "git", (), version, "prod", tag=tag, revision=revision
    )


def said(
    resolution: Resolution,
    digest: Digest | None = None,
    earlier: EarlierDownload | None = EARLIER,
    on_rollback: OnRollback = "refuse",
    minimum: str = "",
) -> str:
    """The warning, or the refusal with its hint."""
    try:
        return VersionLimits(minimum, earlier, on_rollback).check(resolution, digest)
    except PolicyRefused as error:
        return f"refused: {error}"


@pytest.mark.parametrize(
    ("version", "minimum", "part"),
    [
        ("v2.0.0", "v2.0.0", ""),
        ("v10.0.0", "v9.0.0", ""),
        ("v2.0.1-rc.1", "v2.0.0", ""),
        ("v2.0.0+build.1", "v2.0.0+build.2", ""),
        ("v1.9.9", "v2.0.0", "is v1.9.9, which is older than the minimum-version v2.0.0"),
        ("v2.0.0-rc.1", "v2.0.0", "is v2.0.0-rc.1, which is older"),
        ("v2.0.0-rc.2", "v2.0.0-rc.10", "is v2.0.0-rc.2, which is older"),
        ("", "v2.0.0", "is not known, so it may be older than v2.0.0. Give a git-token"),
    ],
)
@pytest.mark.parametrize("on_rollback", ["allow", "warn", "refuse"])
def test_minimum(version: str, minimum: str, part: str, on_rollback: OnRollback) -> None:
    told = said(found(version), None, None, on_rollback, minimum)
    assert told.startswith("refused") is bool(part)
    assert part in told


def test_minimum__a_commit_that_is_no_version() -> None:
    told = said(found("", FIRST, "churn#prod#3"), earlier=None, minimum="v1.0.0")
    assert "Register commit aaaaaaa as a version" in told


WAYS_BACK: dict[str, tuple[Resolution, EarlierDownload, str]] = {
    "an older version": (found("v1.0.0", SECOND), EARLIER, "is v1.0.0, which is older than v2.0.0"),
    "a pre-release of it": (found("v2.0.0-rc.1", SECOND), EARLIER, "older than v2.0.0"),
    "Studio alone": (found(), EARLIER, "is not known, so it may be older"),
    "not registered": (found("", SECOND, "churn#prod#3"), EARLIER, "is not known, so it may be"),
    "not registered before": (
        found("v3.0.0", SECOND),
        replace(EARLIER, version=""),
        "the version in the earlier manifest is not known, so v3.0.0",
    ),
    "neither is known": (found(), UNKNOWN, "is not known, so it may be older"),
}


@pytest.mark.parametrize("name", WAYS_BACK)
def test_way_back(name: str) -> None:
    resolution, earlier, part = WAYS_BACK[name]
    refusal = said(resolution, NEW, earlier, "refuse")
    warning = said(resolution, NEW, earlier, "warn")

    assert part in refusal
    assert refusal == f"refused: {warning}. {refusal.partition(f'{warning}. ')[2]}"
    assert "rollback: allow" in refusal
    assert said(resolution, NEW, earlier, "allow") == ""


NO_WAYS_BACK: dict[str, tuple[Resolution, Digest | None]] = {
    "a newer version": (found("v2.0.1", SECOND), NEW),
    "a pre-release of a newer one": (found("v3.0.0-rc.1", SECOND), NEW),
    "the same": (found("v2.0.0", FIRST), OLD),
    "the same, by Studio alone": (found("v2.0.0"), OLD),
    "the same, without digests": (found("v2.0.0", FIRST), None),
    "the same commit, by a stage": (found("", FIRST, "churn#prod#3"), None),
    "the same content": (found(), OLD),
    "the same content, by another rule": (found(), replace(OLD, algorithm="md5-dos2unix")),
}


@pytest.mark.parametrize("name", NO_WAYS_BACK)
def test_no_way_back(name: str) -> None:
    assert said(*NO_WAYS_BACK[name]) == ""


MOVED: dict[str, tuple[Resolution, Digest | None, EarlierDownload, str]] = {
    "a version's tag": (
        found("v2.0.0", SECOND, "churn@v2.0.0"),
        OLD,
        EARLIER,
        "churn@v2.0.0 of churn of acme/models was moved: it was commit aaaaaaa in the earlier"
        " manifest, and is bbbbbbb now",
    ),
    "a stage's tag": (
        found("", SECOND, "churn#prod#3"),
        NEW,
        replace(EARLIER, version="", tag="churn#prod#3"),
        "churn#prod#3 of churn of acme/models was moved",
    ),
    "other content of a version": (
        found("v2.0.0", FIRST),
        NEW,
        EARLIER,
        f"v2.0.0 of churn of acme/models has other content than in the earlier manifest: it was"
        f" md5:{OLD.hex}, and is md5:{NEW.hex} now",
    ),
    "other content of a version, by Studio alone": (found("v2.0.0"), NEW, EARLIER, "other content"),
    "other content of a commit": (
        found("", FIRST, "churn#prod#3"),
        NEW,
        replace(EARLIER, version=""),
        "aaaaaaa of churn of acme/models has other content",
    ),
}


@pytest.mark.parametrize("name", MOVED)
@pytest.mark.parametrize("on_rollback", ["allow", "warn", "refuse"])
def test_what_moved_is_always_refused(name: str, on_rollback: OnRollback) -> None:
    resolution, digest, earlier, part = MOVED[name]
    told = said(resolution, digest, earlier, on_rollback)
    assert told.startswith("refused")
    assert part in told


def test_check_content__of_bytes_that_came() -> None:
    limits = VersionLimits(earlier=EARLIER)
    with pytest.raises(PolicyRefused, match="other content"):
        limits.check_content(found("v2.0.0"), NEW)
    limits.check_content(found("v2.0.0"), OLD)
    limits.check_content(found("v3.0.0"), NEW)
    VersionLimits().check_content(found("v2.0.0"), NEW)


def test_a_first_run() -> None:
    assert VersionLimits(missing="last.json").check(found(), None) == ""


VERSIONS = st.one_of(
    st.just(""),
    st.builds(
        "v{}.{}.{}{}".format,
        *[st.integers(0, 3)] * 3,
        st.sampled_from(["", "-rc.1", "-rc.2", "+b1"]),
    ),
)
ANY: dict[str, Any] = {
    "version": VERSIONS,
    "revision": st.sampled_from(["", FIRST, SECOND]),
    "digest": st.sampled_from([None, OLD, NEW]),
}


@given(**ANY)
def test_what_was_delivered_last_may_always_be_delivered_again(
    version: str, revision: str, digest: Digest | None
) -> None:
    if version or revision or digest:
        tag = f"churn@{version}" if version else ""
        earlier = replace(UNKNOWN, version=version, revision=revision, tag=tag, digest=digest)
        assert said(found(version, revision, tag), digest, earlier) == ""


@given(st.tuples(VERSIONS, VERSIONS), st.sampled_from([FIRST, SECOND]))
def test_of_two_versions_at_most_one_way_is_back(both: tuple[str, str], revision: str) -> None:
    one, other = both
    if one and other and one != other:
        ways = [
            said(found(to, revision), None, replace(UNKNOWN, version=of))
            for to, of in ((one, other), (other, one))
        ]
        assert "" in ways
