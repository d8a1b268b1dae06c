"""A server that trusts two issuers on loopback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from studio_action.server.api.routes.token_exchange import GRANT_TYPE, SUBJECT_TOKEN_TYPES
from studio_action.server.token_exchange.issuers import TrustedIssuer
from studio_action.server.token_exchange.rules import Pattern, Rule
from tests.oidc.issuer import Issuer, issuer
from tests.server.answering import Api, answering
from tests.server.calendar import Calendar

URL = "https://models.example.org"


def rule(claims: Mapping[str, str], *scopes: Any, **given: Any) -> Rule:
    patterns = {name: (Pattern(text),) for name, text in claims.items()}
    return Rule(patterns, frozenset(scopes or ["model-registry"]), **given)


MAIN = rule(
    {"repository": "acme/*", "ref": "refs/heads/main", "ref_protected": "true"},
    "model-registry",
    "project",
    teams=frozenset({"ml"}),
)
TAGS = rule(
    {"repository": "acme/models", "ref": "refs/tags/*"}, repositories=frozenset({"acme/models"})
)
GITLAB = rule({"project_path": "acme/models", "ref_protected": "true"}, all_repositories=True)


@dataclass
class Trusting:
    """The server, and its issuers `ci`, like GitHub, and `other`, like GitLab."""

    api: Api
    ci: Issuer
    other: Issuer

    @property
    def calendar(self) -> Calendar:
        return self.api.calendar

    def job(self, **claims: Any) -> str:
        """The ID token of a job of `acme/models` on its main branch, but for these claims."""
        return self.ci.mint(self.claims(**claims))

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of that token; None takes one away."""
        whole = {**self.ci.github_claims(URL), **changes}
        return {name: value for name, value in whole.items() if value is not None}

    def exchange(self, id_token: str, **fields: Any) -> requests.Response:
        form = {
            "grant_type": GRANT_TYPE,
            "subject_token": id_token,
            "subject_token_type": SUBJECT_TOKEN_TYPES[0],
            **fields,
        }
        return self.api.send("POST", "/api/oauth/token", data=form)

    def minted(self) -> int:
        """How many tokens there are."""
        return len(self.api.services.tokens.all())


@contextmanager
def trusting(folder: Path, url: str = URL, **settings: Any) -> Iterator[Trusting]:
    """The server, and issuers by the same clock."""
    calendar = Calendar()

    def now() -> float:
        return calendar().timestamp()

    with issuer("/github", now) as ci, issuer("", now) as other:
        trusted = (
            TrustedIssuer(ci.url, "github", frozenset({url}), (MAIN, TAGS)),
            TrustedIssuer(other.url, "gitlab", frozenset({url, "models"}), (GITLAB,)),
        )
        with answering(folder, calendar, url=url, trusted_issuers=trusted, **settings) as api:
            yield Trusting(api, ci, other)
