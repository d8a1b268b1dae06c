"""The form of `trusted-issuers`: whose ID tokens are exchanged, and the rules for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from studio_action.server.run.configuration.entries import Form, FullName, Name, PublicAddress
from studio_action.server.scopes import Scope
from studio_action.server.token_exchange.issuers import TrustedIssuer, check_issuer_url, check_rule
from studio_action.server.token_exchange.rules import Pattern, Rule, text_of


@dataclass(frozen=True, slots=True)
class _Kind:
    """A CI system: the issuer without a `url`, the path after one, and what else is needed."""

    issuer: str = ""
    path: str = ""
    needs: str = ""


_KINDS: Mapping[str, _Kind] = {
    "github": _Kind("https://token.actions.githubusercontent.com", "/_services/token"),
    "gitlab": _Kind("https://gitlab.com"),
    "circleci": _Kind("https://oidc.circleci.com/org/{organization}", needs="organization"),
    "bitbucket": _Kind(
        "https://api.bitbucket.org/2.0/workspaces/{workspace}/pipelines-config/identity/oidc",
        needs="workspace",
    ),
}
"""https://docs.github.com/en/enterprise-server/actions/reference/security/oidc,
https://docs.gitlab.com/ci/secrets/id_token_authentication/,
https://circleci.com/docs/openid-connect-tokens/,
https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/
"""


def _patterns(given: object) -> tuple[Pattern, ...]:
    texts = [text_of(each) for each in (given if isinstance(given, list) else [given])]
    if not texts or None in texts or "" in texts:
        raise ValueError("is not a text, a number, true or false, or a list of these")
    return tuple(Pattern(text) for text in texts if text is not None)


class RuleForm(Form):
    """One entry of `rules`."""

    claims: dict[str, Annotated[Any, BeforeValidator(_patterns)]]
    scopes: Annotated[frozenset[Scope], Field(min_length=1)]
    teams: frozenset[Name] = frozenset()
    repositories: frozenset[FullName] = frozenset()
    all_repositories: bool = False

    @model_validator(mode="after")
    def _is_about_something(self) -> RuleForm:
        if not self.claims:
            raise ValueError("a rule needs claims: it says whose jobs get a token")
        if not (self.teams or self.repositories or self.all_repositories):
            raise ValueError("the tokens could read nothing: name teams or repositories")
        return self

    def rule(self) -> Rule:
        """Return the same as the server's own value."""
        return Rule(self.claims, self.scopes, self.teams, self.repositories, self.all_repositories)


class TrustedIssuerForm(Form):
    """One entry of `trusted-issuers`."""

    issuer: Annotated[str, AfterValidator(check_issuer_url)] = ""
    type: Literal["", "github", "gitlab", "circleci", "bitbucket"] = ""
    url: PublicAddress = ""
    organization: Name = ""
    workspace: Name = ""
    name: Name = ""
    audiences: frozenset[Annotated[str, Field(min_length=1)]] = frozenset()
    rules: Annotated[tuple[RuleForm, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_one_issuer(self) -> TrustedIssuerForm:
        if bool(self.issuer) == bool(self.type):
            raise ValueError("needs an issuer, its URL, or a type such as github, and not both")
        kind = _KINDS.get(self.type, _Kind())
        for name in ("organization", "workspace"):
            if bool(getattr(self, name)) != (name == kind.needs):
                wanted = "needs" if name == kind.needs else "has no"
                raise ValueError(f"{self.type or 'an issuer'} {wanted} {name}")
        if self.url and self.type not in ("github", "gitlab"):
            raise ValueError("url is for a github or gitlab of one's own")
        return self

    @model_validator(mode="after")
    def _rules_say_who(self) -> TrustedIssuerForm:
        check_issuer_url(self.issuer_url)
        for number, each in enumerate(self.rules):
            try:
                check_rule(self.issuer_url, each.rule())
            except ValueError as error:
                raise ValueError(f"rules[{number}] {error}") from None
        return self

    @property
    def issuer_url(self) -> str:
        """The issuer, as its tokens name it."""
        if not self.type:
            return self.issuer
        kind = _KINDS[self.type]
        if self.url:
            return self.url + kind.path
        return kind.issuer.format(organization=self.organization, workspace=self.workspace)

    @property
    def repositories(self) -> frozenset[str]:
        """The repositories that the rules name."""
        return frozenset(name for rule in self.rules for name in rule.repositories)

    def trusted(self, server: str) -> TrustedIssuer:
        """Return the same as a value of the server whose URL is `server`."""
        return TrustedIssuer(
            url=self.issuer_url,
            name=self.name or self.type or urlsplit(self.issuer).hostname or "",
            audiences=self.audiences or frozenset({server}),
            rules=tuple(each.rule() for each in self.rules),
        )
