"""Where a Studio may be: behind a private authority, below a sub-path, gone."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests import reference
from tests.end_to_end.conftest import Program
from tests.reference import Answer


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def private_program(
    authority: trustme.CA, workspace: Path, capfd: pytest.CaptureFixture[str]
) -> Iterator[Program]:
    """The program before a Studio at https://127.0.0.1/studio, which nobody trusts by default."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with reference.serve(base_path="/studio", tls=context) as server:
        yield Program(server, workspace, capfd)


def test_private_authority__trusted_for_studio_and_storage(
    private_program: Program, bundle: Path
) -> None:
    ran = private_program.run("download-model", "--model", "dir-model", f"--ca-bundle={bundle}")

    assert (ran.code, len(private_program.files())) == (0, 7), ran.said


def test_private_authority__unknown(private_program: Program) -> None:
    ran = private_program.run("download-model", "--model", "dir-model", "--retries", "0")

    assert (ran.code, "ca-bundle" in ran.said) == (13, True), ran.said


def test_wrong_sub_path__is_told_from_a_missing_model(program: Program) -> None:
    url = f"{program.server.url}/other"

    ran = program.run("download-model", "--model", "dir-model", DVC_STUDIO_URL=url)

    assert (ran.code, "studio-url" in ran.said) == (14, True), ran.said


def test_studio_is_down(program: Program) -> None:
    program.server.api_script.append(Answer(502, "<html><title>Bad Gateway</title></html>"))

    ran = program.run("download-model", "--model", "dir-model", "--retries", "0")

    assert (ran.code, "502" in ran.said) == (13, True), ran.said


@pytest.mark.parametrize(
    "path", ["../x", "/x", ".git/hooks/x", "C:\\x", "a\x00b", "a/../../x"], ids=repr
)
def test_unsafe_path__is_refused(program: Program, path: str) -> None:
    url = f"{program.server.url}/storage/https/models.example.com/x"
    program.server.api_script.append(Answer(200, {path: url}))

    ran = program.run("download-model", "--model", "dir-model")

    assert (ran.code, program.server.fetches) == (14, []), ran.said
