"""The form of `log-in`: the identity provider of the people who look at the pages."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from studio_action.server.openid.provider import LogInSettings
from studio_action.server.run.configuration.entries import Form, Secret
from studio_action.server.run.configuration.trusted_issuers import RuleForm
from studio_action.server.scopes import Scope
from studio_action.server.token_exchange.issuers import TrustedIssuer, check_issuer_url, check_rule
from studio_action.text import has_hidden_characters


def _label(text: str) -> str:
    if not text.strip() or has_hidden_characters(text):
        raise ValueError("is not a name such as Acme")
    return text.strip()


Text = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[\x21-\x7e]+$")]


class PeopleRuleForm(RuleForm):
    """One entry of its `rules`: the same, but that people only read by default."""

    scopes: Annotated[frozenset[Scope], Field(min_length=1)] = frozenset({"model-registry"})

    @model_validator(mode="after")
    def _opens_pages(self) -> PeopleRuleForm:
        if "model-registry" not in self.scopes:
            raise ValueError("the pages need the scope model-registry")
        return self


class LogInForm(Form):
    """The entry `log-in`."""

    issuer: Annotated[str, AfterValidator(check_issuer_url)]
    client_id: Text
    client_secret: Secret = ""
    name: Annotated[str, Field(max_length=60), AfterValidator(_label)] = ""
    scopes: tuple[Text, ...] = ("openid", "email")
    rules: Annotated[tuple[PeopleRuleForm, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _asks_for_an_id_token(self) -> LogInForm:
        if "openid" not in self.scopes:
            raise ValueError("scopes must have openid: without it there is no ID token")
        return self

    @model_validator(mode="after")
    def _rules_say_who(self) -> LogInForm:
        for number, each in enumerate(self.rules):
            try:
                check_rule(self.issuer, each.rule())
            except ValueError as error:
                raise ValueError(f"rules[{number}] {error}") from None
        return self

    @property
    def repositories(self) -> frozenset[str]:
        """The repositories that the rules name."""
        return frozenset(name for rule in self.rules for name in rule.repositories)

    def provider(self) -> LogInSettings:
        """Return the same as the server's own value."""
        issuer = TrustedIssuer(
            url=self.issuer,
            name=self.name or urlsplit(self.issuer).hostname or "",
            audiences=frozenset({self.client_id}),
            rules=tuple(each.rule() for each in self.rules),
        )
        return LogInSettings(issuer, self.client_id, self.client_secret, self.scopes)
