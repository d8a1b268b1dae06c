"""When a signature is looked for, where, and what is done before it is known to be good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from studio_action.errors import PolicyRefused
from studio_action.model.artifact import Latest, RemoteFile, Resolution
from studio_action.model.plan import root_of
from studio_action.run.signatures import ModelSignature, SignatureVerifier
from studio_action.signature.policy import SignaturePolicy
from tests.fakes import MemoryDownloader, MemoryRegistry
from tests.run.test_download import CHURN
from tests.signature.sigstore_instance import Sigstore, new_key
from tests.signature.statements import content, of_files, public_pem, signed_by_key

KEY = new_key()
BY_KEY = SignaturePolicy("key", public_key=public_pem(KEY))
FILES = {"m/a": b"a", "m/deep/b": b"b"}
BUNDLE = content(signed_by_key(of_files({"a": b"a", "deep/b": b"b"}), KEY))


def resolved(contents: Mapping[str, bytes]) -> Resolution:
    """What Studio answers about a model of these files."""
    return MemoryRegistry(contents).resolve(CHURN, Latest())


class Case:
    """A verification, and what it fetched."""

    def __init__(self, folder: Path, contents: Mapping[str, bytes], policy: SignaturePolicy):
        self.downloader = MemoryDownloader(contents, folder / "partial")
        self.roots: list[Path] = []
        (folder / "scratch").mkdir()
        self.verifier = SignatureVerifier(
            policy, self.downloader, self._trusted_root, folder / "scratch"
        )

    def _trusted_root(self, folder: Path) -> str:
        self.roots.append(folder)
        return Sigstore().trusted_root()

    def verify(self, resolution: Resolution) -> ModelSignature:
        return self.verifier.verify(
            resolution, resolution.files, root_of(resolution), lambda: resolution.urls
        )


def test_studio__in_the_models_folder(tmp_path: Path) -> None:
    contents = {**FILES, "m/model.sig": BUNDLE}
    case = Case(tmp_path, contents, BY_KEY)

    found = case.verify(resolved(contents))

    assert (found.root, found.signed_by.path) == ("m", "m/model.sig")
    assert case.downloader.fetched == ["m/model.sig"]
    assert list((tmp_path / "partial").iterdir()) == []


def test_studio__beside_the_model_it_cannot_be_had(tmp_path: Path) -> None:
    case = Case(tmp_path, {"m.pkl": b"a"}, BY_KEY)
    with pytest.raises(PolicyRefused, match="Studio sends only the model's own files"):
        case.verify(resolved({"m.pkl": b"a"}))
    assert case.downloader.fetched == []


def test_git__beside_the_model(tmp_path: Path) -> None:
    case = Case(tmp_path, {"model.sig": BUNDLE}, BY_KEY)
    beside = RemoteFile("model.sig", "https://storage.example.org/model.sig")

    found = case.verify(replace(resolved(FILES), source="git", root="m", signatures=(beside,)))

    assert found.signed_by.path == "model.sig"


def test_names_are_compared_before_anything_else_is_fetched(tmp_path: Path) -> None:
    contents = {**FILES, "m/model.sig": BUNDLE, "m/new": b"new"}
    case = Case(tmp_path, contents, BY_KEY)

    with pytest.raises(PolicyRefused, match="does not cover 'new'"):
        case.verify(resolved(contents))

    assert case.downloader.fetched == ["m/model.sig"]


def test_sigstores_root_is_fetched_only_where_none_is_given(tmp_path: Path) -> None:
    contents = {**FILES, "m/model.sig": BUNDLE}
    policy = SignaturePolicy("sigstore", identity="ada", identity_provider="https://x")
    case = Case(tmp_path, contents, policy)

    with pytest.raises(PolicyRefused, match="is not good"):
        case.verify(resolved(contents))

    assert case.roots == [tmp_path / "scratch"]
