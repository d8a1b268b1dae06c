"""What a request means now: resolved, told in the log, and held to the policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from studio_action.ci.base import Platform
from studio_action.errors import ContentMismatch
from studio_action.inputs.config import Resolve
from studio_action.inputs.model_request import ModelRequest
from studio_action.model import plan
from studio_action.model.artifact import RemoteFile, Resolution
from studio_action.model.digest import Digest
from studio_action.net.network import Network
from studio_action.outputs import manifest, report
from studio_action.policy.policy import Outcome, Policy
from studio_action.policy.rollback import VersionLimits
from studio_action.registries.base import Registry
from studio_action.run.context import RunContext
from studio_action.run.size_limit import check_total


@dataclass(frozen=True, slots=True)
class Found:
    """What a request resolved to; `files` are those that pass its filters.

    `policy` is what it fulfils.
    """

    resolution: Resolution
    files: tuple[RemoteFile, ...]
    root: str
    digest: Digest | None
    policy: Outcome | None = None

    @property
    def most_bytes(self) -> int | None:
        """Return how large the files may be together; None without a limit."""
        return self.policy.required.max_size if self.policy else None


def resolve(
    request: ModelRequest, *, registry: Registry, policy: Policy, platform: Platform
) -> Found:
    """Ask the registry, say what it answered and what it could not say, and check the policy."""
    with platform.group(f"Resolving {request.selector} of {request.artifact}"):
        answer = resolution = registry.resolve(request.artifact, request.selector)
        if request.tag and not resolution.tag:  # the registration that triggered the run
            resolution = replace(resolution, tag=request.tag, revision=request.revision)
        files = request.filters.select(resolution.files)
        root = plan.root_of(resolution)
        found = Found(resolution, files, root, plan.digest_of(resolution.files, root))
        for line in _resolution_lines(found):
            platform.info(line)
        outcome = policy.check(answer, files)
        limits = request.version_limits.tightened(outcome.required.rollback)
        _check_version(found, limits, platform)
        signed = resolution.signed_tags or outcome.signed_tags
        return replace(found, resolution=replace(resolution, signed_tags=signed), policy=outcome)


def _check_version(found: Found, limits: VersionLimits, platform: Platform) -> None:
    """Raise `PolicyRefused` for a version that is too old, or not what it was; or warn of it."""
    if limits.missing:
        platform.info(f"{limits.missing!r} does not exist: treated as a first run")
    warning = limits.check(found.resolution, found.digest)
    if warning:
        platform.warning(warning)


def answered(task: Resolve, found: Found, network: Network, context: RunContext) -> dict[str, str]:
    """Return the outputs of a model that is not downloaded; raise `PolicyRefused` for its size."""
    files = measured(found, network, context)
    return report.resolve_outputs(
        found.resolution, files, found.digest, task.request.filters, task.previous
    )


def measured(found: Found, network: Network, context: RunContext) -> Sequence[RemoteFile]:
    """Return the files with their sizes, where those can be had; raise `PolicyRefused` for them."""
    if found.policy and found.policy.required.signatures:
        context.platform.warning(
            "The policy requires a signature of the model, which resolve-model does not verify:"
            " download-model does"
        )

    from studio_action.download import sizes  # late: a download learns sizes as files come

    files = sizes.measured(found.files, network, context.config.limits)
    check_total(files, found.most_bytes)
    return files


def renew_urls(found: Found, registry: Registry) -> Mapping[str, str]:
    """Return signed URLs once more; raise `ContentMismatch` if the stage moved meanwhile."""
    pinned = found.resolution
    again = registry.resolve(pinned.artifact, pinned.selector)
    urls = {file.path: file for file in again.files}
    for file in found.files:
        fresh = urls.get(file.path)
        if fresh is None or fresh.digest != file.digest:
            raise ContentMismatch(
                f"the {pinned.selector} of {pinned.artifact} changed while it was"
                f" downloaded ({file.path!r})",
                "Run the step again, or request a version instead of a stage",
            )
    return again.urls


def _resolution_lines(found: Found) -> Iterator[str]:
    resolution = found.resolution
    everything, chosen = len(resolution.files), len(found.files)
    yield (
        f"{everything} {'file' if everything == 1 else 'files'}"
        + (f", {chosen} of them after include and exclude" if chosen < everything else "")
        + (f"; {manifest.digest_text(found.digest)}" if found.digest else "")
    )
    if resolution.version:
        made = f", {resolution.tag} at {resolution.revision[:7]}" if resolution.tag else ""
        yield f"This is version {resolution.version}{made}"
    elif resolution.tag:
        yield (
            f"This is commit {resolution.revision[:7]} by tag {resolution.tag}: it was not"
            " registered as a version, so the output version is empty"
        )
    else:
        yield "Version unknown: outputs version, tag and revision are empty"
    for tag in resolution.signed_tags:
        yield f"Tag {tag.tag} is signed by {tag}"
    unknown = sum(file.digest is None for file in found.files)
    if unknown:
        yield f"{unknown} of them without a digest: their remote does not store files by digest"
