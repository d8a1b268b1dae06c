"""Who must have signed the model, and what its one file must be."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from studio_action.errors import BadInput, UnexpectedAnswer
from studio_action.inputs import parsers
from studio_action.inputs.lookup import Inputs, Value
from studio_action.model.paths import check_path

if TYPE_CHECKING:
    from studio_action.signature.policy import Method, SignaturePolicy

_TAKES: Mapping[Method, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sigstore": (
        ("signature-identity", "signature-identity-provider"),
        ("signature-trust-config",),
    ),
    "key": (("signature-public-key",), ()),
    "certificate": (("signature-certificate-chain",), ("signature-identity",)),
}
"""The inputs that each method needs, and those that it takes besides."""
_OF_SIGNATURES = (
    "signature",
    "signature-public-key",
    "signature-certificate-chain",
    "signature-identity",
    "signature-identity-provider",
    "signature-trust-config",
)
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE)


def read_signature(inputs: Inputs) -> SignaturePolicy | None:
    """Read input `require-signature`, and what says who is trusted; None if none is required.

    Raises `BadInput` if something is missing, or given and without effect.
    """
    method = parsers.choice(inputs["require-signature"])
    of_tags = ("signature-trust-config",) if inputs["require-signed-tag"].text == "gitsign" else ()
    if method == "none":
        useless = tuple(name for name in _OF_SIGNATURES if name not in of_tags)
        _refuse_useless(inputs, useless, "require-signature is not given")
        return None

    from studio_action.signature.policy import SignaturePolicy  # late: few steps require one

    needed, optional = _TAKES[cast("Method", method)]
    for name in needed:
        if not inputs[name].text:
            raise BadInput(
                f"input {name} is missing", f"require-signature: {method} trusts what it says"
            )
    others = set(_OF_SIGNATURES) - {"signature", *needed, *optional, *of_tags}
    _refuse_useless(inputs, sorted(others), f"require-signature is {method}")
    return SignaturePolicy(
        cast("Method", method),
        _path(inputs["signature"]),
        _pem(inputs["signature-public-key"], "PUBLIC KEY"),
        _pem(inputs["signature-certificate-chain"], "CERTIFICATE"),
        parsers.one_line(inputs["signature-identity"]),
        parsers.one_line(inputs["signature-identity-provider"]),
        json_text(inputs["signature-trust-config"]),
    )


def read_sha256(value: Value) -> str:
    """Return the SHA-256 in lower case, without a prefix; '' for an input that was not given."""
    if not value.text:
        return ""
    found = _SHA256.fullmatch(value.text)
    if found is None:
        raise value.refuse("is not a SHA-256", "It has 64 hexadecimal digits, as sha256sum prints")
    return found[1].lower()


def _refuse_useless(inputs: Inputs, names: tuple[str, ...] | list[str], why: str) -> None:
    """Raise `BadInput` for an input without effect: somebody believes that it has one."""
    for name in names:
        if inputs[name].text:
            raise BadInput(
                f"input {name} is given, and {why}: nothing would be verified by it",
                "Give require-signature: sigstore, key or certificate, with the inputs of each",
            )


def _path(value: Value) -> str:
    if not value.text:
        return ""
    path = posixpath.normpath(value.text)
    try:
        check_path(path)
    except UnexpectedAnswer:
        raise value.refuse(
            "is not a file of the repository", "Write it relative to its root"
        ) from None
    return path


def _pem(value: Value, kind: str) -> str:
    """Return PEM text, or that of the PEM file at a path."""
    text = value.text
    if text and "-----BEGIN" not in text:
        text = parsers.file_text(value)
    if text and f"-----BEGIN {kind}-----" not in text:
        raise BadInput(
            f"input {value.name} (from {value.origin}) has no {kind.lower()}",
            f"It is PEM, which begins with -----BEGIN {kind}-----",
        )
    return text


def json_text(value: Value) -> str:
    """Return JSON text, or that of the JSON file at a path."""
    if not value.text:
        return ""
    text = value.text if value.text.startswith("{") else parsers.file_text(value)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise BadInput(
            f"input {value.name} (from {value.origin}) is not a JSON object",
            "It is Sigstore's trusted_root.json, or a trust configuration around it",
        )
    return text
