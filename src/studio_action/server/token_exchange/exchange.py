"""Exchanges an ID token of a CI job for a token of the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from studio_action.server.access import Token
from studio_action.server.db.id_tokens import UsedIdTokens
from studio_action.server.db.tokens import Tokens
from studio_action.server.log import Log
from studio_action.server.scopes import Scope
from studio_action.server.token_exchange.discovery import Discovery
from studio_action.server.token_exchange.id_token import BadIdToken, IdToken, UnverifiedToken
from studio_action.server.token_exchange.issuers import TrustedIssuer
from studio_action.server.token_exchange.key_cache import KeyCache
from studio_action.server.token_exchange.rules import Rule, text_of
from studio_action.text import first_few, printable

LIFETIME = timedelta(minutes=15)
"""How long a token is valid that was given for an ID token."""
_LONGEST_NAME = 200
_NAMED_BY = (
    ("repository", "project_path", "oidc.circleci.com/vcs-origin", "repositoryUuid", "sub"),
    ("ref_path", "ref", "oidc.circleci.com/vcs-ref", "branchName"),
)
"""The claims that name a job: what it runs for, and the ref; the first of each that is there."""
_TELLING = (
    *("sub", "jti", "aud", "environment", "run_id", "run_attempt", "workflow_ref", "event_name"),
    *("job_workflow_ref", "actor", "sha", "ref", "ref_type", "ref_protected", "repository"),
    *("project_path", "ref_path", "pipeline_id", "pipeline_source", "job_id", "user_login"),
    *("oidc.circleci.com/project-id", "oidc.circleci.com/vcs-origin", "oidc.circleci.com/vcs-ref"),
    *("oidc.circleci.com/job-id", "repositoryUuid", "branchName", "pipelineUuid", "stepUuid"),
)
"""The claims that a token keeps, besides those of its rule: which job it was given to."""
_MOST_NAMED = 6


class BadScope(Exception):
    """The rule that fits does not give a requested scope; the message says which it gives."""


@dataclass(frozen=True, slots=True)
class TokenExchange:
    """Gives tokens to jobs of the trusted issuers; safe to use from any thread."""

    issuers: Sequence[TrustedIssuer]
    keys: KeyCache
    tokens: Tokens
    used: UsedIdTokens

    def exchange(self, id_token: str, scopes: Collection[str] = ()) -> tuple[str, Token]:
        """Return the text of a new token, and the token; with `scopes` only if they are named.

        Raise `BadIdToken`, `BadScope`, or `Unreachable` if the issuer or the database fails.
        """
        unverified = UnverifiedToken.parse(id_token)
        issuer = self._issuer(unverified.issuer)
        verified = verify(unverified, issuer, self.keys, self.tokens.now())
        rule = fitting_rule(issuer, verified.claims, f"this job of {issuer.name}")
        granted = _granted(rule, scopes)
        if not self.used.use(verified.identity, verified.expires):
            raise BadIdToken("the ID token was used before: each can be exchanged only once")
        return self.tokens.create(
            _name(issuer, verified.claims),
            scopes=granted,
            teams=rule.teams,
            repositories=rule.repositories,
            all_repositories=rule.all_repositories,
            expires=self.tokens.now() + LIFETIME,
            issuer=issuer.url,
            claims=telling(rule, verified, _TELLING),
        )

    def _issuer(self, url: str) -> TrustedIssuer:
        for issuer in self.issuers:
            if issuer.url == url:
                return issuer
        raise BadIdToken(f"the ID token's issuer {printable(url, 200)} is not trusted here")


def make_exchange(
    issuers: Sequence[TrustedIssuer],
    tokens: Tokens,
    discovery: Discovery,
    log: Log,
    now: Callable[[], float] = time.monotonic,
) -> TokenExchange | None:
    """Return the exchange for these issuers, None if there are none; `now` returns seconds."""
    if not issuers:
        return None
    keys = KeyCache([each.url for each in issuers], discovery.keys, now, log)
    return TokenExchange(issuers, keys, tokens, UsedIdTokens(tokens.engine, tokens.now))


def verify(
    unverified: UnverifiedToken, issuer: TrustedIssuer, keys: KeyCache, now: datetime
) -> IdToken:
    """Return the token if `issuer` signed it for us; raise `BadIdToken` or `Unreachable`."""
    key = keys.find(issuer.url, unverified.kid, unverified.algorithm)
    if key is None:
        raise BadIdToken(f"{issuer.url} has no such key as the one of the ID token (kid)")
    return unverified.verify(key, issuer, now)


def fitting_rule(
    issuer: TrustedIssuer, claims: Mapping[str, object], whom: str, *, in_lists: bool = False
) -> Rule:
    """Return the first rule that fits; raise `BadIdToken`, naming the claims that do not fit.

    The message has `whom` it is about, what the sender sent, and nothing of what the rules say.
    With `in_lists`, one fitting value in a list is enough.
    """
    misfits: dict[str, None] = {}
    for rule in issuer.rules:
        wrong = rule.misfits(claims, in_lists=in_lists)
        if not wrong:
            return rule
        misfits.update(dict.fromkeys(wrong))
    shown = [f"{name} is {_shown(claims.get(name))}" for name in misfits]
    raise BadIdToken(f"no rule of the server fits {whom}: {first_few(shown, _MOST_NAMED)}")


def telling(rule: Rule, verified: IdToken, names: Iterable[str]) -> dict[str, str]:
    """Return the claims of these names, and those of the rule, as a token keeps them."""
    texts = {name: text_of(verified.claims.get(name)) for name in (*names, *rule.claims)}
    return {name: printable(text, 500) for name, text in texts.items() if text is not None}


def _shown(value: object) -> str:
    text = text_of(value)
    if text is not None:
        return printable(text, 100) or "empty"
    return "missing" if value is None else "not one text"


def _granted(rule: Rule, requested: Collection[str]) -> frozenset[Scope]:
    if not set(requested) <= rule.scopes:
        raise BadScope(f"the rule that fits gives only: {' '.join(sorted(rule.scopes))}")
    return cast("frozenset[Scope]", frozenset(requested)) or rule.scopes


def _name(issuer: TrustedIssuer, claims: Mapping[str, object]) -> str:
    """Return the name of a job's token, such as `github:acme/models:refs/heads/main`."""
    parts = (
        next((text for name in names if (text := text_of(claims.get(name)))), "")
        for names in _NAMED_BY
    )
    return printable(":".join([issuer.name, *filter(None, parts)]), _LONGEST_NAME)
