"""Whether a version fulfils what is required of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

from studio_action.errors import PolicyRefused
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.model.artifact import Resolution
from studio_action.model.versions import is_prerelease
from studio_action.policy.facts import Facts
from studio_action.policy.requirements import Globs, Requirements
from studio_action.policy.rollback import VersionLimits
from studio_action.policy.values import matches, shown_age
from studio_action.text import first_few, human_size, printable

AHEAD = 86_400
"""Seconds that a tagger's clock may be ahead of ours."""
_SHOWN = 5


def check(required: Requirements, facts: Facts) -> None:
    """Raise `PolicyRefused` for the first thing that is required and not so."""
    for refusal in refusals(required, facts):
        raise refusal


def refusals(required: Requirements, facts: Facts) -> Iterator[PolicyRefused]:
    """Yield everything that is required and not so, what is known for certain first."""
    if required.released:
        yield from _released(facts)
    if required.of_repository and not facts.resolution.revision:
        yield PolicyRefused(
            f"the commit of {facts.resolution.artifact} is not known, so its branch, tags and"
            " labels cannot be checked",
            "Give a git-token that may read the repository's tags",
        )
    else:
        if required.of_repository and _is_unpinned(facts.resolution):
            yield PolicyRefused(
                f"Studio does not say which commit {_about(facts)} is, and the commit is not"
                " registered as a version",
                "Register the commit as a version, or use source: git",
            )
        yield from _branches(required, facts)
        if required.of_tags:
            yield from _tags(required, facts)
        if required.labels - facts.labels:
            yield _unlabelled(required.labels - facts.labels, facts)
    if required.minimum:
        yield from _minimum(required.minimum, facts)
    if required.digests:
        yield from _digests(facts)
    if required.max_size is not None:
        yield from _size(required.max_size, facts)


def _about(facts: Facts) -> str:
    return f"the {facts.resolution.selector} of {facts.resolution.artifact}"


def _is_unpinned(found: Resolution) -> bool:
    """Return whether the commit is what the tags say, and the files what Studio says by then."""
    return found.source == "studio" and not found.version and found.root is None


def _released(facts: Facts) -> Iterator[PolicyRefused]:
    version = facts.resolution.version
    if not version:
        yield PolicyRefused(
            f"the version of {_about(facts)} is not known, so it may be a pre-release",
            "Register the commit as a version, or give a git-token that may read the tags",
        )
    elif is_prerelease(version):
        yield PolicyRefused(
            f"{_about(facts)} is {version}, a pre-release",
            "Ask for a version without one, or set prerelease: exclude",
        )


def _branches(required: Requirements, facts: Facts) -> Iterator[PolicyRefused]:
    for branch in required.branches:
        is_on = facts.branches.get(branch)
        if is_on is None:
            yield PolicyRefused(
                f"{facts.resolution.artifact.repository} has no branch {branch!r}",
                "Correct require-ancestor-of, or branch in the policy",
            )
        elif not is_on:
            yield PolicyRefused(
                f"{_about(facts)} is commit {facts.resolution.revision[:7]}, which is not on"
                f" branch {branch!r}",
                "Merge it, then register or assign the version again",
            )


def _tags(required: Requirements, facts: Facts) -> Iterator[PolicyRefused]:
    if not facts.tags:
        yield PolicyRefused(
            f"no annotated tag of {facts.resolution.artifact.repository} says that {_about(facts)}"
            f" is commit {facts.resolution.revision[:7]}, so it is unknown who decided it",
            "Register and assign it with gto, which makes annotated tags, and push them",
        )
        return
    for globs in required.taggers:
        yield from (_tagger(tag, globs) for tag in facts.tags if not _is_of(tag, globs))
    if required.max_age is not None:
        yield from _age(facts.tags[-1], required.max_age, facts)


def _is_of(tag: TagRef, globs: Globs) -> bool:
    return matches(tag.email.lower(), (glob.lower() for glob in globs))


def _tagger(tag: TagRef, globs: Globs) -> PolicyRefused:
    who = printable(tag.email, 100) or "nobody with an address"
    return PolicyRefused(
        f"tag {printable(tag.short_name, 100)} was made by {who}, who is not allowed",
        f"Allowed are {printable(first_few(globs, _SHOWN), 500)}",
    )


def _age(tag: TagRef, most: int, facts: Facts) -> Iterator[PolicyRefused]:
    age, name = facts.now - tag.when, printable(tag.short_name, 100)
    if age < -AHEAD:
        yield PolicyRefused(
            f"tag {name} is dated {_date(tag.when)}, which is in the future", "Make the tag again"
        )
    elif age > most:
        yield PolicyRefused(
            f"tag {name} is {shown_age(age)} old, dated {_date(tag.when)}: at most"
            f" {shown_age(most)} is allowed",
            "Register a newer version, or assign the stage again",
        )


def _date(when: int) -> str:
    try:
        return datetime.fromtimestamp(when, timezone.utc).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return f"second {when}"


def _unlabelled(missing: frozenset[str], facts: Facts) -> PolicyRefused:
    artifact = facts.resolution.artifact
    return PolicyRefused(
        f"{artifact.model} lacks the labels {printable(first_few(sorted(missing), _SHOWN), 300)}"
        f" in dvc.yaml at commit {facts.resolution.revision[:7]}",
        "Label the artifact, commit, and register the version again",
    )


def _minimum(minimum: str, facts: Facts) -> Iterator[PolicyRefused]:
    try:
        VersionLimits(minimum).check(facts.resolution, None)
    except PolicyRefused as refusal:
        yield refusal


def _digests(facts: Facts) -> Iterator[PolicyRefused]:
    unknown = [repr(printable(file.path, 200)) for file in facts.files if file.digest is None]
    if unknown:
        yield PolicyRefused(
            f"digests are required, but unknown for {first_few(unknown, 1)}",
            "Its remote does not store files by digest",
        )


def _size(most: int, facts: Facts) -> Iterator[PolicyRefused]:
    known = sum(file.size for file in facts.files if file.size is not None)
    if known > most:
        yield PolicyRefused(
            f"{_about(facts)} has {known:,} bytes ({human_size(known)}), more than"
            f" the {most:,} that are allowed",
            "Request fewer files with include and exclude, or raise the limit",
        )
