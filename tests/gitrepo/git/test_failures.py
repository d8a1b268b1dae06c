from __future__ import annotations

import pytest

from studio_action.errors import (
    NoSuchModel,
    StudioActionError,
    TokenRefused,
    Unreachable,
    WorkspaceRefused,
)
from studio_action.gitrepo.git.failures import UnadvertisedObject, error_for

URL = "https://git.example.com/team/models"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("fatal: Authentication failed for 'https://x/'", TokenRefused),
        ("fatal: could not read Username for 'https://x': terminal prompts disabled", TokenRefused),
        ("fatal: unable to access 'x': The requested URL returned error: 403", TokenRefused),
        ("remote: HTTP Basic: Access denied.; fatal: Authentication failed for 'x'", TokenRefused),
        ("git@github.com: Permission denied (publickey).", TokenRefused),
        ("Host key verification failed.", Unreachable),
        ("remote: Repository not found.; fatal: repository 'x' not found", NoSuchModel),
        ("fatal: 'x' does not appear to be a git repository", NoSuchModel),
        ("ERROR: The project you were looking for could not be found", NoSuchModel),
        ("fatal: unable to access 'x': Could not resolve host: x", Unreachable),
        ("fatal: unable to access 'x': The requested URL returned error: 502", Unreachable),
        ("fatal: unable to access 'x': SSL certificate problem: self-signed", Unreachable),
        ("error: Server does not allow request for unadvertised object 0a", UnadvertisedObject),
        ("fatal: write error: No space left on device", WorkspaceRefused),
    ],
    ids=[
        "wrong token",
        "no token",
        "403",
        "gitlab",
        "ssh key",
        "unknown host",
        "github hides",
        "not there",
        "gitlab hides",
        "dns",
        "502",
        "certificate",
        "old protocol",
        "disk full",
    ],
)
def test_error_for(said: str, error: type[StudioActionError]) -> None:
    assert type(error_for(URL, said)) is error
