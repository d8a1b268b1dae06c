from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import PolicyRefused
from studio_action.signature.statement import Bundle, Part
from tests.signature.sigstore_instance import b64, new_key
from tests.signature.statements import content, of_files, resource, sha256, signed_by_key, statement

KEY = new_key()
A, B = sha256(b"a"), sha256(b"b")


def read(said: Any, **envelope: Any) -> Bundle:
    return Bundle.read("m/model.sig", content(signed_by_key(said, KEY, **envelope)))


def test_files_by_their_digests() -> None:
    found = read(of_files({"a": b"a", "deep/er": b"b"})).statement

    assert found.files == {"a": (Part(A),), "deep/er": (Part(B),)}
    assert (found.model, found.algorithm, found.shard_size) == ("m", "sha256", 0)
    assert found.ignores(".gitignore")
    assert found.ignores(".git/config")
    assert not found.ignores(".gitignored")


def test_shards_in_their_order() -> None:
    name = "sha256-sharded-2"
    shards = [resource("m:2:3", B, name), resource("m:0:2", A, name)]
    found = read(statement(shards, method="shards", shard_size=2.0)).statement

    assert found.files == {"m": (Part(A, 0, 2), Part(B, 2, 3))}


def test_the_bundle_is_written_anew__no_reader_finds_more_in_it() -> None:
    text = content(signed_by_key(of_files({"a": b"a"}), KEY)).decode()
    twice = text[:-1] + ', "mediaType": "text/plain"}'

    found = Bundle.read("model.sig", twice.encode())

    assert json.loads(found.text)["mediaType"] == "text/plain"
    assert found.text.count("mediaType") == 1
    assert found.sha256 == sha256(twice.encode())


def sharded(*names: str) -> dict[str, Any]:
    parts = [resource(name, A, "sha256-sharded-2") for name in names]
    return statement(parts, method="shards", shard_size=2)


def with_field(name: str, value: object) -> dict[str, Any]:
    return {**of_files({"a": b"a"}), name: value}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        pytest.param(statement([resource("../x", A)]), "unsafe path", id="above the model"),
        pytest.param(statement([resource("/etc/passwd", A)]), "unsafe path", id="absolute"),
        pytest.param(statement([resource("a/./b", A)]), "unsafe path", id="another spelling"),
        pytest.param(statement([resource("a//b", A)]), "unsafe path", id="empty part"),
        pytest.param(statement([resource("C:\\x", A)]), "unsafe path", id="Windows"),
        pytest.param(statement([resource("a\0b", A)]), "unsafe path", id="NUL"),
        pytest.param(
            statement([resource("a", A), resource("a", B)]), "is there twice", id="duplicate"
        ),
        pytest.param(statement([]), "covers no file", id="no file"),
        pytest.param(statement([resource("a", A[:-2])]), "is not valid", id="short digest"),
        pytest.param(statement([resource("a", A.upper())]), "is not valid", id="capital digest"),
        pytest.param(
            statement([resource("a", A, "md5")]),
            "not hashed by one algorithm",
            id="mixed algorithms",
        ),
        pytest.param(
            statement([resource("a", A[:32], "md5")], hash_type="md5"), "'md5'", id="weak algorithm"
        ),
        pytest.param(
            statement([resource("a", A)], method="tensors"), "'tensors'", id="other method"
        ),
        pytest.param(
            statement([resource("a:0:1", A)], method="shards"),
            "have no size",
            id="shards of no size",
        ),
        pytest.param(sharded("a:0:2", "a:3:4"), "do not make up a file", id="gap"),
        pytest.param(sharded("a:0:2", "a:1:3"), "do not make up a file", id="overlap"),
        pytest.param(sharded("a:0:2", "a:0:2"), "do not make up a file", id="a shard twice"),
        pytest.param(sharded("a:0:3"), "do not make up a file", id="longer than a shard"),
        pytest.param(sharded("a:0:0"), "do not make up a file", id="empty shard"),
        pytest.param(sharded("a:0"), "is not part of a file", id="no range"),
        pytest.param(sharded("a:-1:1"), "is not part of a file", id="negative"),
        pytest.param(
            with_field("predicateType", "https://slsa.dev/provenance/v1"),
            "something else than a model",
            id="another predicate",
        ),
        pytest.param(
            with_field("predicateType", "https://model_signing/Digests/v0.1"),
            "model_signing 0.2",
            id="0.2",
        ),
        pytest.param(with_field("_type", "x"), "something else than a model", id="no statement"),
        pytest.param(
            with_field("subject", of_files({"a": b"a"})["subject"] * 2),
            "one subject",
            id="two subjects",
        ),
    ],
)
def test_refused(said: dict[str, Any], reason: str) -> None:
    with pytest.raises(PolicyRefused, match="is not a signature of a model") as caught:
        read(said)
    assert reason in str(caught.value)


GOOD = signed_by_key(of_files({"a": b"a"}), KEY)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"weights", id="bytes"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(content({"verificationMaterial": {}}), id="no envelope"),
        pytest.param(content({**GOOD, "dsseEnvelope": {}}), id="empty envelope"),
        pytest.param(content({**GOOD, "dsse_envelope": {}}), id="a field by its other name"),
        pytest.param(
            content({**GOOD, "dsseEnvelope": {**GOOD["dsseEnvelope"], "payload": "!"}}),
            id="no base64",
        ),
        pytest.param(
            content(
                {**GOOD, "dsseEnvelope": {**GOOD["dsseEnvelope"], "payloadType": "text/plain"}}
            ),
            id="another payload",
        ),
        pytest.param(
            content({**GOOD, "dsseEnvelope": {**GOOD["dsseEnvelope"], "signatures": []}}),
            id="no signature",
        ),
        pytest.param(
            content(
                {**GOOD, "verificationMaterial": {"x509CertificateChain": {"certificates": []}}}
            ),
            id="an empty chain",
        ),
    ],
)
def test_no_bundle(found: bytes) -> None:
    with pytest.raises(PolicyRefused, match="is not a signature of a model"):
        Bundle.read("model.sig", found)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
FIELDS = ("_type", "subject", "predicateType", "predicate")


@given(st.sampled_from(FIELDS), JSON, st.sampled_from(["serialization", "resources", ""]))
def test_any_json__is_read_or_refused(name: str, value: object, inner: str) -> None:
    said = of_files({"a": b"a"})
    if inner:
        said["predicate"][inner] = value
    else:
        said[name] = value
    envelope = {"payload": b64(json.dumps(said).encode())}
    bundle = {**GOOD, "dsseEnvelope": {**GOOD["dsseEnvelope"], **envelope}}
    try:
        said_to_be = str(Bundle.read("m", content(bundle)))
    except PolicyRefused as error:
        said_to_be = error.message
    assert said_to_be.isprintable()
