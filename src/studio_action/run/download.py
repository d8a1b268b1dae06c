"""The use case: a model's files come into the workspace, and the next step learns what it got."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from studio_action.ci.base import Platform
from studio_action.ci.job import Job
from studio_action.download import existing
from studio_action.download.base import Downloader, Fetched, Progress
from studio_action.download.existing import Landing
from studio_action.errors import ContentMismatch, PolicyRefused
from studio_action.inputs.config import Delivery
from studio_action.inputs.model_request import ModelRequest
from studio_action.inputs.previous import Previous
from studio_action.model import plan
from studio_action.model.artifact import RemoteFile, Resolution
from studio_action.model.digest import Digest
from studio_action.net.clock import Deadline
from studio_action.outputs import manifest, report
from studio_action.policy.policy import Outcome, Policy
from studio_action.policy.rollback import VersionLimits
from studio_action.registries.base import Registry
from studio_action.run import records
from studio_action.run.signatures import ModelSignature, SignatureVerifier
from studio_action.run.size_limit import check_total, limited, refused_if_too_large
from studio_action.signature.policy import SignaturePolicy
from studio_action.text import human_size, human_time, printable
from studio_action.workspace.placing import Move, place_files
from studio_action.workspace.workspace import Workspace


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


@dataclass(frozen=True, slots=True)
class Delivered:
    """A finished download, and the paths of its records, relative to the workspace, by outputs."""

    download: manifest.Download
    records: Mapping[str, str]

    def outputs(self, previous: Previous | None = None) -> dict[str, str]:
        """Return what later steps get; `previous` is what they had before."""
        return report.download_outputs(self.download, self.records, previous)


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
        platform.info(
            f"{limits.missing!r} is not there: a first run, with nothing to be older than"
        )
    warning = limits.check(found.resolution, found.digest)
    if warning:
        platform.warning(warning)


def download(
    request: ModelRequest,
    delivery: Delivery,
    *,
    registry: Registry,
    policy: Policy,
    downloader: Downloader,
    workspace: Workspace,
    platform: Platform,
    progress: Progress,
    deadline: Deadline,
    job: Job,
    verifier: Callable[[SignaturePolicy], SignatureVerifier] | None = None,
) -> Delivered:
    """Bring one model into the workspace, whole and verified, and keep a record of it.

    `verifier` makes what verifies a signature. Where one is required, nothing is placed that it
    does not cover.
    """
    started, began = datetime.now(timezone.utc), deadline.clock.now()
    dest = workspace.inside(delivery.dest)
    found = resolve(request, registry=registry, policy=policy, platform=platform)
    if delivery.verify == "require":
        plan.require_digests(found.files)
    if delivery.verify == "off" and found.policy and found.policy.required.digests:
        raise PolicyRefused(
            "verify is 'off', and the policy requires that digests are checked",
            "Leave verify out, or give verify: require",
        )
    if delivery.expected_sha256:
        plan.require_one_file(found.files)
    signatures = _verify_signatures(found, delivery.signature, verifier, registry, platform)
    most = found.most_bytes
    placements = plan.place(found.files, delivery.layout, found.root)
    places = workspace.places(dest, (each.target for each in placements))
    landings = [Landing(*each) for each in zip(placements, places, strict=True)]
    there = existing.sort(landings, overwrite=delivery.overwrite, check=deadline.check)

    with platform.group(_title(there.missing, there.kept)):
        with refused_if_too_large(most):
            fetched = downloader.fetch(
                limited([landing.placement.file for landing in there.missing], most),
                renew=lambda: renew_urls(found, registry),
                progress=progress,
            )
        check_total((*fetched, *there.kept.values()), most)
        got = {each.file.path: each for each in fetched}
        digest = _digest(found, fetched)
        request.version_limits.check_content(found.resolution, digest)
        _check_content((*fetched, *there.kept.values()), delivery.expected_sha256, signatures)
        place_files(
            (
                Move(got.partial, each.place, got.file.executable)
                for got, each in zip(fetched, there.missing, strict=True)
            ),
            workspace,
        )
    done = manifest.Download(
        resolution=found.resolution,
        path=workspace.relative(dest / plan.model_path(placements, delivery.layout, found.root)),
        digest=digest,
        filters=request.filters,
        files=tuple(_record(landing, got, there.kept, workspace) for landing in landings),
        transferred=sum(each.transferred for each in fetched),
        started=started,
        seconds=deadline.clock.now() - began,
        signatures=tuple(each.signed_by for each in signatures),
        policy=found.policy.applied if found.policy else (),
    )
    platform.info(summary_line(done))
    return Delivered(done, records.keep(done, dest, workspace, job, ml_bom=delivery.ml_bom))


def _digest(found: Found, fetched: Sequence[Fetched]) -> Digest | None:
    """Return the digest of the model; where no URL told it, from the bytes that came."""
    md5s = {each.file.path: each.md5 for each in fetched}
    return plan.digest_of(found.resolution.files, found.root, md5s)


def _verify_signatures(
    found: Found,
    given: SignaturePolicy | None,
    verifier: Callable[[SignaturePolicy], SignatureVerifier] | None,
    registry: Registry,
    platform: Platform,
) -> list[ModelSignature]:
    """Return the signatures that the input and the policy require, each verified."""
    required = [given] if given else []
    required += found.policy.required.signatures if found.policy else ()
    if not required:
        return []
    assert verifier is not None  # whoever requires signatures makes one
    verified = []
    with platform.group("Verifying the signature"):
        for policy in dict.fromkeys(required):
            one = verifier(policy).verify(
                found.resolution, found.files, found.root, lambda: renew_urls(found, registry)
            )
            platform.info(f"Signed by {printable(str(one.signed_by), 500)}")
            verified.append(one)
    return verified


def _check_content(
    files: Sequence[Fetched], sha256: str, signatures: Iterable[ModelSignature]
) -> None:
    """Raise `ContentMismatch` or `PolicyRefused` for bytes that are not the ones required."""
    for each in files:
        if sha256 and each.sha256 != sha256:
            raise ContentMismatch(
                f"{each.file.path!r} has the SHA-256 {each.sha256}, not the one of expected-sha256,"
                f" {sha256}",
                "Nothing was placed. Is it another version?",
            )
    for signature in signatures:
        signature.check(files)


def renew_urls(found: Found, registry: Registry) -> Mapping[str, str]:
    """Return signed URLs once more; raise `ContentMismatch` if the stage moved meanwhile."""
    pinned = found.resolution
    again = registry.resolve(pinned.artifact, pinned.selector)
    urls = {file.path: file for file in again.files}
    for file in found.files:
        fresh = urls.get(file.path)
        if fresh is None or fresh.digest != file.digest:
            raise ContentMismatch(
                f"the {pinned.selector} of {pinned.artifact} became other content while it was"
                f" downloaded ({file.path!r})",
                "Run the step again, or ask for a version instead of a stage",
            )
    return again.urls


def summary_line(download: manifest.Download) -> str:
    """Return one line that says what was got, and how fast."""
    files, size = len(download.files), human_size(download.size)
    what = f"{files} {'file' if files == 1 else 'files'}, {size}"
    if download.cached:
        return f"{what}: nothing had to be downloaded, every digest verified"
    speed = human_size(download.transferred / max(download.seconds, 1e-3))
    return f"{what} in {human_time(download.seconds)} ({speed}/s); {_verification(download.files)}"


def _verification(files: Sequence[manifest.FileRecord]) -> str:
    unverified = sum(file.verified in ("none", "length", "off") for file in files)
    if not unverified:
        return "every digest verified"
    return f"{unverified} of them without a digest to verify"


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
            " registered as a version, so the output version stays empty"
        )
    else:
        yield "The version is not known: outputs version, tag and revision stay empty"
    for tag in resolution.signed_tags:
        yield f"Tag {tag.tag} is signed by {tag}"
    unknown = sum(file.digest is None for file in found.files)
    if unknown:
        yield f"{unknown} of them without a digest: their remote does not store files by digest"


def _title(missing: Sequence[Landing], kept: Mapping[str, Fetched]) -> str:
    there = f", {len(kept)} already there" if kept else ""
    return f"Downloading {len(missing)} {'file' if len(missing) == 1 else 'files'}{there}"


def _record(
    landing: Landing,
    fetched: Mapping[str, Fetched],
    kept: Mapping[str, Fetched],
    workspace: Workspace,
) -> manifest.FileRecord:
    source_path = landing.placement.file.path
    got = fetched.get(source_path) or kept[source_path]
    return manifest.FileRecord(
        workspace.relative(landing.place),
        source_path,
        got.size,
        got.md5,
        got.sha256,
        got.verified,
        got.origin,
    )
