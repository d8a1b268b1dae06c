"""One model that is about to be downloaded: allowed, and each of its files with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from studio_action.ci.base import Platform
from studio_action.download import existing
from studio_action.download.base import Fetched
from studio_action.download.existing import Landing
from studio_action.errors import ContentMismatch, PolicyRefused
from studio_action.inputs.config import Delivery
from studio_action.inputs.model_request import ModelRequest
from studio_action.model import plan
from studio_action.model.digest import Digest
from studio_action.net.clock import Deadline
from studio_action.registries.base import Registry
from studio_action.run.resolving import Found, renew_urls
from studio_action.run.size_limit import check_total
from studio_action.text import printable
from studio_action.workspace.workspace import FLAVOUR, Workspace

if TYPE_CHECKING:
    from studio_action.run.signatures import ModelSignature, SignatureVerifier
    from studio_action.signature.policy import SignaturePolicy

Verifier: TypeAlias = "Callable[[SignaturePolicy], SignatureVerifier]"
"""Makes what verifies a signature as a policy asks."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model with nothing left to do but to fetch and to place it.

    `path` is where the model itself is to lie. `kept` are the files that are there already, by
    path, and `missing` those to be fetched. `renew` returns new signed URLs by path.
    """

    request: ModelRequest
    delivery: Delivery
    found: Found
    dest: Path
    path: Path
    landings: tuple[Landing, ...]
    kept: Mapping[str, Fetched]
    missing: tuple[Landing, ...]
    signatures: tuple[ModelSignature, ...]
    renew: Callable[[], Mapping[str, str]]

    def check(self, fetched: Sequence[Fetched]) -> Digest | None:
        """Return the digest of the model whose missing files came.

        Raises `ContentMismatch` or `PolicyRefused` if these are not the bytes that are required.
        """
        there = (*fetched, *self.kept.values())
        check_total(there, self.found.most_bytes)
        digest = _digest(self.found, fetched)
        self.request.version_limits.check_content(self.found.resolution, digest)
        _check_content(there, self.delivery.expected_sha256, self.signatures)
        return digest


def prepare(
    found: Found,
    request: ModelRequest,
    delivery: Delivery,
    *,
    registry: Registry,
    workspace: Workspace,
    platform: Platform,
    deadline: Deadline,
    verifier: Verifier | None,
) -> Prepared:
    """Return what is to be done for a model; raise for whatever forbids it, before any download."""
    dest = workspace.inside(delivery.dest)
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
    placements = plan.place(found.files, delivery.layout, found.root, FLAVOUR)
    places = workspace.places(dest, (each.target for each in placements))
    landings = tuple(Landing(*each) for each in zip(placements, places, strict=True))
    there = existing.sort(landings, overwrite=delivery.overwrite, check=deadline.check)
    return Prepared(
        request,
        delivery,
        found,
        dest,
        dest / plan.model_path(placements, delivery.layout, found.root),
        landings,
        there.kept,
        there.missing,
        tuple(signatures),
        lambda: renew_urls(found, registry),
    )


def _digest(found: Found, fetched: Sequence[Fetched]) -> Digest | None:
    """Return the digest of the model; where no URL told it, from the bytes that came."""
    md5s = {each.file.path: each.md5 for each in fetched}
    return plan.digest_of(found.resolution.files, found.root, md5s)


def _verify_signatures(
    found: Found,
    given: SignaturePolicy | None,
    verifier: Verifier | None,
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
                "No file was put into the workspace. Is it another version?",
            )
    for signature in signatures:
        signature.check(files)
