"""What may be required of versions, and what may be known of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.signatures.requirement import TagSignature
from studio_action.model.artifact import (
    ArtifactRef,
    AtStage,
    AtVersion,
    ModelName,
    RemoteFile,
    Resolution,
)
from studio_action.model.digest import Digest
from studio_action.policy.facts import Facts
from studio_action.policy.requirements import Requirements
from studio_action.signature.policy import SignaturePolicy

CHURN = ArtifactRef("https://git.example.org/acme/models", ModelName("churn"))
NOW = 1_800_000_000
DAY = 86_400
REVISION = "c0ffee" * 6 + "c0ff"
MD5 = Digest("md5", "0a" * 16)
BRANCHES = ("main", "release")
LABELS = ("approved", "tested")
ADDRESSES = ("ada@example.com", "Bob@example.com", "mallory@example.net", "")


def tag(name: str, email: str = "ada@example.com", age: int = DAY) -> TagRef:
    return TagRef(name, REVISION, NOW - age, True, "A tagger", email=email)


def known(
    version: str = "v1.0.0",
    *,
    stage: str = "",
    revision: str = REVISION,
    tags: tuple[TagRef, ...] = (tag("churn@v1.0.0"),),
    files: tuple[RemoteFile, ...] = (RemoteFile("model.bin", "https://x/", 1000, MD5),),
    **more: Any,
) -> Facts:
    selector = AtStage(stage) if stage else AtVersion(version or "v9.9.9")
    found = Resolution(CHURN, selector, "git", files, version, stage, revision=revision)
    return Facts(found, files, NOW, tags, **more)


requirements = st.builds(
    Requirements,
    branches=st.lists(st.sampled_from(BRANCHES), max_size=2, unique=True).map(tuple),
    taggers=st.lists(
        st.lists(
            st.sampled_from(["*@example.com", "ada@*", "bob@EXAMPLE.com"]), min_size=1, max_size=2
        ).map(tuple),
        max_size=2,
    ).map(tuple),
    released=st.booleans(),
    max_age=st.none() | st.integers(1, 3 * DAY),
    max_size=st.none() | st.integers(0, 3000),
    labels=st.frozensets(st.sampled_from(LABELS)),
    digests=st.booleans(),
    minimum=st.sampled_from(["", "v0.9.0", "v1.0.0-rc.1", "v1.0.0", "v1.0.1"]),
    rollback=st.sampled_from(["allow", "warn", "refuse"]),
    tag_signatures=st.lists(
        st.builds(TagSignature, st.just("ssh"), st.sampled_from([b"a", b"b"])), max_size=1
    ).map(tuple),
    signatures=st.lists(
        st.builds(SignaturePolicy, st.just("key"), public_key=st.sampled_from("ab")), max_size=2
    ).map(tuple),
)
"""Anything that may be required."""


def _facts(
    version: str,
    revision: str,
    makers: list[tuple[str, int]],
    files: list[tuple[int | None, Digest | None]],
    branches: Mapping[str, bool | None],
    labels: frozenset[str],
) -> Facts:
    return known(
        version,
        revision=revision,
        tags=tuple(tag("churn@v1.0.0", email, age) for email, age in makers),
        files=tuple(
            RemoteFile(f"{number}", "https://x/", size, digest)
            for number, (size, digest) in enumerate(files)
        ),
        branches=branches,
        labels=labels,
    )


facts = st.builds(
    _facts,
    st.sampled_from(["v1.0.0", "v1.0.0-rc.1", ""]),
    st.sampled_from([REVISION, ""]),
    st.lists(st.tuples(st.sampled_from(ADDRESSES), st.integers(-2 * DAY, 3 * DAY)), max_size=2),
    st.lists(
        st.tuples(st.none() | st.integers(0, 2000), st.sampled_from([None, MD5])),
        min_size=1,
        max_size=2,
    ),
    st.fixed_dictionaries(
        {branch: st.sampled_from([True, True, False, None]) for branch in BRANCHES}
    ),
    st.frozensets(st.sampled_from(LABELS)),
)
"""Anything that may be known."""
