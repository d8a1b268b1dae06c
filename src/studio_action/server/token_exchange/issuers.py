"""The issuers of ID tokens that the server trusts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from studio_action.server.token_exchange.rules import Pattern, Rule

_GITHUB_IDENTITY = (
    "sub",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "enterprise",
    "enterprise_id",
    "workflow_ref",
)
_GITLAB_IDENTITY = (
    "sub",
    "project_path",
    "project_id",
    "namespace_path",
    "namespace_id",
    "root_namespace_path",
    "root_namespace_id",
)
_SHARED: Mapping[str, Sequence[str]] = {
    "https://token.actions.githubusercontent.com": _GITHUB_IDENTITY,
    "https://gitlab.com": _GITLAB_IDENTITY,
    "https://agent.buildkite.com": ("sub", "organization_slug", "organization_id"),
    "https://accounts.google.com": ("sub", "email", "hd"),
}
"""Issuers of tokens for everybody, and the claims that say whose a token is.

`job_workflow_ref` is none: everybody may call a public workflow from a repository of their own.
"""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer: its `url`, as its tokens have it, a `name` for ours, and the rules.

    A token counts if it is for the `audiences` and nobody else; the first rule that fits decides.
    """

    url: str
    name: str
    audiences: frozenset[str]
    rules: tuple[Rule, ...] = field(default=())


def check_issuer_url(url: str) -> str:
    """Return `url` if it can identify an issuer; raise `ValueError` if not.

    That is https without query and fragment (OpenID Connect Discovery, section 3); http on this
    machine alone, for tests.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("is not the URL of an issuer, such as https://gitlab.example.org")
    if not is_safe(url):
        raise ValueError("must be https: whoever can change its answers could make any token")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("is not the URL of an issuer, such as https://gitlab.example.org")
    return url


def is_safe(url: str) -> bool:
    """Return whether nobody can change answers from `url`: https, or http on this machine."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    except ValueError:
        return False


def check_rule(url: str, rule: Rule) -> None:
    """Raise `ValueError` if the rule would let in everybody who can get a token of the issuer."""
    if all(_says_nothing(patterns) for patterns in rule.claims.values()):
        raise ValueError("binds no claim: anybody whom the issuer gives a token would fit")
    identity = _SHARED.get(url.rstrip("/"))
    if identity is None or any(_names_owner(rule.claims.get(name, ())) for name in identity):
        return
    raise ValueError(
        f"does not say whose jobs fit, and everybody can get a token of {url}: bind one of"
        f" {', '.join(identity)} to a value with a fixed beginning, such as acme/*"
    )


def _says_nothing(patterns: Sequence[Pattern]) -> bool:
    return any(pattern.matches_anything for pattern in patterns)


def _names_owner(patterns: Sequence[Pattern]) -> bool:
    """Return whether every pattern is exact, or fixed up to a slash at least: `acme/*`."""
    return bool(patterns) and all(each.is_exact or "/" in each.literal for each in patterns)
