"""Whether bytes are those that were meant, and how that is known. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from studio_action.download.base import Verified, Verify
from studio_action.download.hashing import Digests
from studio_action.model.artifact import RemoteFile


@dataclass(frozen=True, slots=True)
class Told:
    """What the storage said about a file before its bytes came: its size and MD5, if it did.

    `validator` is its ETag, or else a date.
    """

    size: bool
    md5: str | None
    validator: str = ""

    @property
    def etag(self) -> str:
        """What the storage calls this content, without quotes; '' if it does not say."""
        return _bare(self.validator) if '"' in self.validator else ""


def _bare(etag: str) -> str:
    return etag.removeprefix("W/").strip('"').lower()


def verified(file: RemoteFile, told: Told, found: Digests, verify: Verify) -> Verified | None:
    """How the bytes that were `found` were checked; None if they are not those of `file`."""
    if file.size is not None and found.size != file.size:
        return None
    if verify == "off":
        return "off"
    if file.digest is not None:
        return found.rule if found.stored_as == file.digest else None
    same = _bare(file.etag) == told.etag
    if file.etag and told.etag and not same:
        return None
    if told.md5 is not None:
        return "content-md5" if found.md5 == told.md5 else None
    if file.etag and told.etag:
        return "etag"
    return "length" if told.size or file.size is not None else "none"


def difference(file: RemoteFile, told: Told, found: Digests) -> str:
    """What is wrong with bytes that are not verified, for people."""
    if file.size is not None and found.size != file.size:
        return f"it has {found.size} bytes, and {file.size} were promised"
    if file.digest is not None:
        return f"its MD5 is {found.md5}, and its storage key says {file.digest}"
    if file.etag and told.etag and _bare(file.etag) != told.etag:
        return "its ETag is another than DVC noted, so it has been changed since"
    return f"its MD5 is {found.md5}, and the storage said {told.md5}"
