"""An annotated tag as its object has it: what is signed, and the signature. Pure.

Git finds the signature by its last first line (`gpg-interface.c`, `parse_signed_buffer`), leaves
out some headers of what is signed, and what follows the signature is nobody's. All that is left
open there is refused here, so that the bytes of the object say one thing
(https://git-scm.com/docs/gitformat-signature).
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

from studio_action.model.signed_tag import SignatureKind

_HEAD = re.compile(
    rb"object (?P<object>[0-9a-f]{40}|[0-9a-f]{64})\n"
    rb"type (?P<type>[a-z]+)\n"
    rb"tag (?P<tag>[^\n\0]+)\n"
    rb"tagger (?P<tagger>[^\n\0<>]*<[^\n\0<>]*> [0-9]{1,12} [+-][0-9]{4})\n"
    rb"\n"
)
_FIRST_LINES: dict[bytes, SignatureKind] = {
    b"-----BEGIN SSH SIGNATURE-----": "ssh",
    b"-----BEGIN PGP SIGNATURE-----": "gpg",
    b"-----BEGIN PGP MESSAGE-----": "gpg",
    b"-----BEGIN SIGNED MESSAGE-----": "gitsign",
}
_FIRST_LINE = re.compile(rb"^(?:" + b"|".join(_FIRST_LINES) + rb")", re.MULTILINE)
_BASE64 = rb"(?P<base64>(?:[A-Za-z0-9+/=]+\n)+?)"
_BLOCKS: dict[SignatureKind, re.Pattern[bytes]] = {
    "ssh": re.compile(
        rb"-----BEGIN SSH SIGNATURE-----\n" + _BASE64 + rb"-----END SSH SIGNATURE-----\n"
    ),
    "gpg": re.compile(
        rb"-----BEGIN PGP SIGNATURE-----\n"
        rb"(?:[A-Za-z]+: [ -~]*\n)*\n"  # of the program that made it, e.g. its version
        + _BASE64
        + rb"(?:=[A-Za-z0-9+/]{4}\n)?"  # a checksum
        rb"-----END PGP SIGNATURE-----\n"
    ),
    "gitsign": re.compile(
        rb"-----BEGIN SIGNED MESSAGE-----\n" + _BASE64 + rb"-----END SIGNED MESSAGE-----\n"
    ),
}


class Unfit(Exception):
    """A tag is not what it has to be; the text says why, as in `tag X <text>`."""


@dataclass(frozen=True, slots=True)
class TagObject:
    """What the object of an annotated tag says.

    `object` is the name of what is tagged, and `type` its type; `tag` is the name that the tag was
    made with. `signature` is the block of text after what is signed, which is `payload`.
    """

    object: str
    type: str
    tag: bytes
    kind: SignatureKind
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    der: bytes = field(repr=False)
    """The signature without its armor."""

    @property
    def content(self) -> bytes:
        """Return the bytes of the object."""
        return self.payload + self.signature


def parse(content: bytes) -> TagObject:
    """Read the object of a signed tag; raise `Unfit` for any other."""
    head = _HEAD.match(content)
    if head is None:
        raise Unfit("has other headers than an annotated tag")
    signatures = list(_FIRST_LINE.finditer(content, head.end()))
    if not signatures:
        raise Unfit("is not signed")
    if len(signatures) > 1:
        raise Unfit("has more than one signature")
    (found,) = signatures
    kind = _FIRST_LINES[found[0]]
    block = _BLOCKS[kind].fullmatch(content, found.start())
    if block is None:
        raise Unfit("has a damaged signature, or something after it")
    return TagObject(
        head["object"].decode(),
        head["type"].decode(),
        head["tag"],
        kind,
        content[: found.start()],
        content[found.start() :],
        _decoded(block["base64"]),
    )


def _decoded(text: bytes) -> bytes:
    """Return what lines of base64 hold; raise `Unfit` if they are not written as usual.

    All lines but the last have one length, and no bit is left over, so that a text of that length
    has no second spelling.
    """
    lines = text.split(b"\n")[:-1]
    width, joined = len(lines[0]), b"".join(lines)
    uneven = any(len(line) != width for line in lines[:-1]) or len(lines[-1]) > width
    try:
        decoded = base64.b64decode(joined, validate=True)
    except binascii.Error:
        decoded = b""
    if uneven or base64.b64encode(decoded) != joined:
        raise Unfit("has a damaged signature")
    return decoded
