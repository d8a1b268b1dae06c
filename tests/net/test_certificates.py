from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from studio_action.net.certificates import Authorities, ca_bundle, system_bundle


@pytest.fixture
def authority() -> str:
    return trustme.CA().cert_pem.bytes().decode()


def test_ca_bundle__the_systems() -> None:
    assert ca_bundle(Authorities(), Path("/nowhere")) == system_bundle()
    assert "-----BEGIN CERTIFICATE-----" in system_bundle().read_text("utf-8")


def test_ca_bundle__a_file_comes_on_top(tmp_path: Path, authority: str) -> None:
    (tmp_path / "ca.pem").write_text(authority)
    joined = ca_bundle(Authorities(authority), tmp_path).read_text()
    assert authority in joined
    assert joined.startswith(system_bundle().read_text("utf-8"))


def test_ca_bundle__text_comes_on_top(tmp_path: Path, authority: str) -> None:
    joined = ca_bundle(Authorities(authority), tmp_path).read_text()
    assert authority in joined


def test_ca_bundle__the_environments_file_stands_alone(tmp_path: Path, authority: str) -> None:
    (tmp_path / "ca.pem").write_text(authority)
    found = ca_bundle(Authorities(authority, True, tmp_path / "ca.pem"), Path("/nowhere"))
    assert found == tmp_path / "ca.pem"
