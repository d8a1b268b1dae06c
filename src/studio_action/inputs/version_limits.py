"""What a version must not be older than: a minimum, and what an earlier manifest has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import cast

from studio_action.ci.job import Job
from studio_action.errors import BadInput
from studio_action.inputs import parsers
from studio_action.inputs.lookup import Inputs, Value
from studio_action.inputs.previous import read_manifest, reader
from studio_action.model.artifact import ArtifactRef, AtVersion
from studio_action.model.digest import Digest
from studio_action.model.repository_url import RepositoryUrl
from studio_action.policy.rollback import EarlierDownload, OnRollback, VersionLimits
from studio_action.workspace.workspace import Workspace

_FIELDS = tuple(each.name for each in fields(EarlierDownload))


def read_version_limits(
    inputs: Inputs, job: Job, artifact: ArtifactRef, workspace: Workspace
) -> VersionLimits:
    """Read inputs `minimum-version`, `not-older-than` and `rollback`.

    Raises `BadInput` where the manifest is of another model, or of another repository.
    """
    minimum = version(inputs["minimum-version"])
    on_rollback = cast(OnRollback, parsers.choice(inputs["rollback"]))
    manifest = parsers.path(inputs["not-older-than"])
    if manifest is None:
        return VersionLimits(minimum, on_rollback=on_rollback)
    earlier = earlier_download(reader(manifest, workspace), str(manifest))
    if earlier is None:
        return VersionLimits(minimum, on_rollback=on_rollback, missing=str(manifest))
    _check_same_model(earlier, artifact, job.server)
    return VersionLimits(minimum, earlier, on_rollback)


def version(value: Value) -> str:
    """Return a version, '' for an input not given; raise `BadInput` for anything else."""
    if not value.text:
        return ""
    try:
        return AtVersion.parse(value.text).version
    except BadInput as error:
        raise value.refuse("is not a version", error.hint) from None


def earlier_download(read: Callable[[], bytes], name: str) -> EarlierDownload | None:
    """Return what a manifest says, whose content `read` gives; None on a first run."""
    found = read_manifest("not-older-than", read, name, _FIELDS)
    if found is None:
        return None
    try:
        digest = Digest.parse(found["digest"]) if found["digest"] else None
        if found["version"]:
            AtVersion.parse(found["version"])
    except (ValueError, BadInput) as error:
        raise BadInput(
            f"input not-older-than: {name!r} is not the manifest of an earlier download",
            "Give what an earlier output manifest names",
        ) from error
    return EarlierDownload(
        found["repository"],
        found["model"],
        found["version"],
        found["tag"],
        found["revision"],
        digest,
    )


def _check_same_model(earlier: EarlierDownload, artifact: ArtifactRef, server: str) -> None:
    same = _same_repository(earlier.repository, artifact.repository, server)
    if earlier.model != str(artifact.model) or not same:
        raise BadInput(
            f"input not-older-than: the manifest is of {earlier.model} of {earlier.repository},"
            f" not of {artifact}",
            "Give the manifest of an earlier download of the same model",
        )


def _same_repository(earlier: str, now: str, server: str) -> bool:
    """Return whether both are one repository; a folder may be a checkout of any."""
    try:
        addresses = [RepositoryUrl.parse(each).clone_url(server) for each in (earlier, now)]
    except BadInput:
        return True
    first, second = map(RepositoryUrl.parse, addresses)
    return first.same_as(second)
