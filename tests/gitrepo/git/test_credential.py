from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.gitrepo.git.credential import Credential, has_ssh_key


@pytest.mark.parametrize(
    ("origin", "token", "user", "password"),
    [
        ("https://github.com", "ghs_abc", "x-access-token", "ghs_abc"),
        ("https://git.example.com", "abc", "x-access-token", "abc"),
        ("https://gitlab.com", "glpat-abc", "oauth2", "glpat-abc"),
        ("https://gitlab.com", "glcbt-64_abc", "gitlab-ci-token", "glcbt-64_abc"),
        ("https://git.example.com", "glcbt-64_abc", "gitlab-ci-token", "glcbt-64_abc"),
        ("https://bitbucket.org", "ATCTT3x", "x-token-auth", "ATCTT3x"),
        ("https://git.example.com", "ada:s3:cret", "ada", "s3:cret"),
    ],
    ids=[
        "github",
        "any",
        "gitlab",
        "gitlab job",
        "own gitlab job",
        "bitbucket",
        "user and password",
    ],
)
def test_credential__user(origin: str, token: str, user: str, password: str) -> None:
    credential = Credential(origin, token)

    assert (credential.user, credential.password) == (user, password)
    assert token not in repr(credential)


def test_has_ssh_key(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert not has_ssh_key({})
    assert not has_ssh_key(home)
    assert has_ssh_key({"SSH_AUTH_SOCK": "/run/agent"})
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id_ed25519").touch()
    assert has_ssh_key(home)
