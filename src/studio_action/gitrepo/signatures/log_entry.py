"""An entry of Sigstore's log as gitsign keeps it: `TransparencyLogEntry` of `sigstore_rekor.proto`.

https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_rekor.proto. Sigstore's own
library reads it as JSON alone, which is made here. Pure.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError

from studio_action.gitrepo.signatures.tag_object import Unfit

_FIELD = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "studio_action.rekor"
_MESSAGES: dict[str, tuple[tuple[str, Any], ...]] = {
    "LogId": (("key_id", _FIELD.TYPE_BYTES),),
    "KindVersion": (("kind", _FIELD.TYPE_STRING), ("version", _FIELD.TYPE_STRING)),
    "InclusionPromise": (("signed_entry_timestamp", _FIELD.TYPE_BYTES),),
    "Checkpoint": (("envelope", _FIELD.TYPE_STRING),),
    "InclusionProof": (
        ("log_index", _FIELD.TYPE_INT64),
        ("root_hash", _FIELD.TYPE_BYTES),
        ("tree_size", _FIELD.TYPE_INT64),
        ("hashes", [_FIELD.TYPE_BYTES]),
        ("checkpoint", "Checkpoint"),
    ),
    "TransparencyLogEntry": (
        ("log_index", _FIELD.TYPE_INT64),
        ("log_id", "LogId"),
        ("kind_version", "KindVersion"),
        ("integrated_time", _FIELD.TYPE_INT64),
        ("inclusion_promise", "InclusionPromise"),
        ("inclusion_proof", "InclusionProof"),
        ("canonicalized_body", _FIELD.TYPE_BYTES),
    ),
}
"""The fields of each message, numbered from 1; a list is repeated, a text another message."""


_CHECKPOINT = re.compile(r"(?P<log>\S+)[^\n]*\n(?:[^\n]+\n)+\n\u2014 (?P=log) [A-Za-z0-9+/=]+\n")
"""A note with one signature, by the log that it names first: the library skips who signed."""


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="studio_action/rekor.proto", package=_PACKAGE, syntax="proto3"
    )
    for message, fields in _MESSAGES.items():
        added = file.message_type.add(name=message)
        for number, (name, kind) in enumerate(fields, 1):
            repeated = isinstance(kind, list)
            label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
            field = added.field.add(name=name, number=number, label=label)
            if isinstance(kind, str):
                field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                field.type = kind[0] if repeated else kind
    return file


def _entry_class() -> Any:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_file())
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"{_PACKAGE}.TransparencyLogEntry")
    )


Entry = _entry_class()
"""The message `TransparencyLogEntry`."""


def read(content: bytes, signed: bytes, signature: bytes, certificate: bytes) -> dict[str, Any]:
    """Return the entry as a bundle's JSON has it; raise `Unfit` if it cannot be one.

    gitsign leaves out the entry's body, because it follows from what was `signed`, the `signature`
    and the `certificate` (DER).
    """
    entry = Entry()
    try:
        entry.ParseFromString(content)
    except DecodeError as error:
        raise Unfit("has an entry of Sigstore's log that cannot be read") from error
    usual = _CHECKPOINT.fullmatch(entry.inclusion_proof.checkpoint.envelope)
    is_canonical = entry.SerializeToString(deterministic=True) == content
    if not (usual and is_canonical) or entry.canonicalized_body:
        raise Unfit("has an entry of Sigstore's log in a form that gitsign does not write")
    entry.canonicalized_body = _body(signed, signature, certificate)
    found: dict[str, Any] = json_format.MessageToDict(
        entry, always_print_fields_with_no_presence=True
    )
    return found


def _body(signed: bytes, signature: bytes, certificate: bytes) -> bytes:
    """Return the canonical body of a `hashedrekord` (version 0.0.1), by RFC 8785."""
    pem = x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)
    body = {
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(signed).hexdigest()}},
            "signature": {
                "content": base64.b64encode(signature).decode(),
                "publicKey": {"content": base64.b64encode(pem).decode()},
            },
        },
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
