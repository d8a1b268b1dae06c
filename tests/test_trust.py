from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from studio_action.errors import BadInput
from studio_action.trust import Authorities, ca_bundle, system_bundle


@pytest.fixture
def authority() -> str:
    return trustme.CA().cert_pem.bytes().decode()


def test_ca_bundle__the_systems() -> None:
    assert ca_bundle(Authorities.read("", instead=False), Path("/nowhere")) == system_bundle()
    assert "-----BEGIN CERTIFICATE-----" in system_bundle().read_text("utf-8")


def test_ca_bundle__a_file_comes_on_top(tmp_path: Path, authority: str) -> None:
    (tmp_path / "ca.pem").write_text(authority)
    joined = ca_bundle(
        Authorities.read(str(tmp_path / "ca.pem"), instead=False), tmp_path
    ).read_text()
    assert authority in joined
    assert joined.startswith(system_bundle().read_text("utf-8"))


def test_ca_bundle__text_comes_on_top(tmp_path: Path, authority: str) -> None:
    joined = ca_bundle(Authorities.read(authority, instead=False), tmp_path).read_text()
    assert authority in joined


def test_ca_bundle__the_environments_file_stands_alone(tmp_path: Path, authority: str) -> None:
    (tmp_path / "ca.pem").write_text(authority)
    found = ca_bundle(Authorities.read(str(tmp_path / "ca.pem"), instead=True), Path("/nowhere"))
    assert found == tmp_path / "ca.pem"


@pytest.mark.parametrize(
    "content", [None, "no certificate", b"\xff\xfe"], ids=["missing", "text", "binary"]
)
def test_ca_bundle__refused(tmp_path: Path, content: str | bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadInput, match="input ca-bundle"):
        ca_bundle(Authorities.read(str(file), instead=False), Path("/nowhere"))
