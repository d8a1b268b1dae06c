"""A server of one's own that trusts a CI system, and what jobs of that system have."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import sample
from tests.gitrepo.repositories import sample_at
from tests.oidc.issuer import Issuer
from tests.servers.registry import REPOSITORY, OwnServer, own_server

MAIN = "refs/heads/main"


@contextlib.contextmanager
def keyless_server(folder: Path, ci: Issuer, *, base_path: str = "") -> Iterator[OwnServer]:
    """A server that gives jobs of `acme/models`, on the branch main, a token; state in `folder`."""
    access = {"scopes": ["model-registry", "project"], "repositories": [REPOSITORY]}
    trusted = {
        "issuer": ci.url,
        "name": "ci",
        "rules": [
            {"claims": {"repository": REPOSITORY, "ref": MAIN}, **access},
            {"claims": {"project_path": REPOSITORY, "ref_path": MAIN}, **access},
        ],
    }
    repository = sample_at(folder / "sample.git")
    with own_server(
        folder / "server",
        repository,
        sample.REMOTES,
        base_path=base_path,
        trusted_issuers=[trusted],
    ) as running:
        yield running


def github_job(ci: Issuer) -> dict[str, str]:
    """The variables that a job of GitHub has by `permissions: id-token: write`."""
    return {
        "ACTIONS_ID_TOKEN_REQUEST_URL": ci.request_url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ci.request_token,
    }


def gitlab_job(ci: Issuer, audience: str, **claims: Any) -> dict[str, str]:
    """The variable that a job of GitLab has by `id_tokens: STUDIO_ID_TOKEN: aud:`."""
    return {"STUDIO_ID_TOKEN": ci.mint(ci.gitlab_claims(audience, **claims))}
