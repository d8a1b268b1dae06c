"""Who must have signed a model or a tag, as a policy file says it. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import cast, get_args

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.signatures.requirement import TagSignature
from studio_action.model.paths import check_path
from studio_action.model.signed_tag import SignatureKind
from studio_action.policy.yaml_value import YamlValue
from studio_action.signature.policy import Method, SignaturePolicy

METHODS: Mapping[Method, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sigstore": (("identity", "identity-provider"), ()),
    "key": (("public-key",), ()),
    "certificate": (("certificate-chain",), ("identity",)),
}
"""The keys that each method needs, and those that it takes besides `path`."""
_KEYS = ("method", "path", "identity", "identity-provider", "public-key", "certificate-chain")
_PEM = {"public-key": "PUBLIC KEY", "certificate-chain": "CERTIFICATE"}


def read_tag_signature(value: YamlValue) -> TagSignature:
    """Return who must have signed the tags that decide; raise `BadInput` for what is missing."""
    keys = value.mapping(("kind", "signers"))
    for name in ("kind", "signers"):
        if name not in keys:
            raise value.wrong(f"has no {name}", "It needs kind, and signers as a text")
    kind = cast(SignatureKind, keys["kind"].choice(*get_args(SignatureKind)))
    return TagSignature(kind, f"{keys['signers'].text()}\n".encode())


def read_signature(value: YamlValue) -> SignaturePolicy:
    """Return who must have signed the model; raise `BadInput` for what is missing or useless."""
    keys = value.mapping(_KEYS)
    if "method" not in keys:
        raise value.wrong("has no method", f"Give one of {', '.join(METHODS)}")
    keys["method"].choice(*METHODS)
    method = next(each for each in METHODS if each == keys["method"].text())
    needed, optional = METHODS[method]
    for name in needed:
        if name not in keys:
            raise value.wrong(f"has no {name}", f"The method {method} trusts what it says")
    for name, each in keys.items():
        if name not in ("method", "path", *needed, *optional):
            raise each.wrong(f"the method {method} does not use {name}", "Leave it out")
    return SignaturePolicy(
        method,
        _path(keys["path"]) if "path" in keys else "",
        _pem(keys, "public-key"),
        _pem(keys, "certificate-chain"),
        _line(keys, "identity"),
        _line(keys, "identity-provider"),
    )


def _path(value: YamlValue) -> str:
    path = posixpath.normpath(value.text())
    try:
        check_path(path)
    except UnexpectedAnswer:
        raise value.wrong(
            "is not a file of the repository", "Write it relative to its root"
        ) from None
    return path


def _pem(keys: Mapping[str, YamlValue], name: str) -> str:
    if name not in keys:
        return ""
    text = keys[name].text()
    if f"-----BEGIN {_PEM[name]}-----" not in text:
        raise keys[name].wrong("is not PEM", f"It begins with -----BEGIN {_PEM[name]}-----")
    return text


def _line(keys: Mapping[str, YamlValue], name: str) -> str:
    if name not in keys:
        return ""
    text = keys[name].text()
    if not text.isprintable():
        raise keys[name].wrong("has a line break or control character")
    return text
