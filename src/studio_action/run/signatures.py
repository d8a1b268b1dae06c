"""A model's signature: found and verified before the model is downloaded, then held against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from studio_action.download.base import Downloader, Fetched, NoProgress, Renew
from studio_action.errors import BadInput, PolicyRefused
from studio_action.model.artifact import RemoteFile, Resolution
from studio_action.signature import coverage
from studio_action.signature.policy import SignaturePolicy, SignedBy
from studio_action.signature.statement import LARGEST_BUNDLE, Bundle
from studio_action.text import printable
from studio_action.workspace import regular_files

_ELSEWHERE = (
    "Studio sends only the model's own files: put the signature into the model's folder, or use"
    " source git"
)
_UNSIGNED = "Sign it with `model_signing sign` and commit the bundle, or say where it is: signature"


@dataclass(frozen=True, slots=True)
class ModelSignature:
    """A signature that was verified, of the model at `root`."""

    bundle: Bundle
    signed_by: SignedBy
    root: str

    def check(self, files: Iterable[Fetched]) -> None:
        """Raise `PolicyRefused` for the first file whose bytes are not those that were signed."""
        for each in files:
            coverage.check_content(self.bundle, each.file, self.root, each.partial, each.sha256)


@dataclass(frozen=True, slots=True)
class SignatureVerifier:
    """Verifies a model's signature as `policy` asks.

    `trusted_root` fetches Sigstore's root of trust, where the policy has none; `scratch` is an
    empty folder.
    """

    policy: SignaturePolicy
    downloader: Downloader
    trusted_root: Callable[[Path], str]
    scratch: Path

    def verify(
        self, resolution: Resolution, chosen: Sequence[RemoteFile], root: str, renew: Renew
    ) -> ModelSignature:
        """Return the signature of the model at `root`, which covers all files that are `chosen`.

        Raises `PolicyRefused` if there is none, if it is not good, or if it does not cover them;
        `BadInput` if the policy cannot be used, `Unreachable` without a root of trust.
        """
        file = self._find(resolution, root)
        bundle = Bundle.read(file.path, self._fetch(file, renew))
        coverage.check_names(bundle, chosen, resolution.files, root)
        return ModelSignature(bundle, self._signed_by(bundle), root)

    def _find(self, resolution: Resolution, root: str) -> RemoteFile:
        known = {file.path: file for file in (*resolution.signatures, *resolution.files)}
        places = self.policy.places(root, resolution.files)
        found = next((known[place] for place in places if place in known), None)
        if found is None:
            where = " or ".join(repr(printable(place, 200)) for place in places)
            raise PolicyRefused(
                f"there is no signature of {resolution.artifact}: no {where}",
                _ELSEWHERE if resolution.source == "studio" else _UNSIGNED,
            )
        return found

    def _fetch(self, file: RemoteFile, renew: Renew) -> bytes:
        (fetched,) = self.downloader.fetch(
            [replace(file, largest=LARGEST_BUNDLE)], renew=renew, progress=NoProgress()
        )
        content = regular_files.read(fetched.partial, LARGEST_BUNDLE)
        fetched.partial.unlink()
        return content

    def _signed_by(self, bundle: Bundle) -> SignedBy:
        try:
            from studio_action.signature import verifying
        except ModuleNotFoundError as error:
            raise BadInput(
                f"require-signature needs packages that are not installed: {error.name} is missing",
                "Install studio-action[signing], or use the image, which has it",
            ) from error
        policy = self.policy
        if policy.method == "sigstore" and not policy.trust_config:
            policy = replace(policy, trust_config=self.trusted_root(self.scratch))
        return verifying.verify(bundle, policy, self.scratch)
