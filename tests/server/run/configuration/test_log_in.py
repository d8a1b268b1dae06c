from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.errors import BadInput
from studio_action.server.openid.provider import LogInSettings
from studio_action.server.run.configuration.reading import Options, read
from studio_action.server.token_exchange.issuers import TrustedIssuer
from studio_action.server.token_exchange.rules import Pattern, Rule

SERVED = "data-dir: d\nrepositories: [{url: https://git.example.org/acme/models.git}]\n"
URL = "url: https://models.example.org/studio\n"
WHO = "issuer: https://id.example.org, client-id: models"
RULES = "rules: [{claims: {groups: ml}, teams: [ml]}]"


def configured(tmp_path: Path, text: str) -> LogInSettings | None:
    (tmp_path / "server.yaml").write_text(SERVED + text)
    return read(Options("server.yaml"), {"SECRET": "hunter2"}, tmp_path).pages.log_in


def test_every_entry(tmp_path: Path) -> None:
    text = f"""{URL}
log-in:
  issuer: https://id.example.org/realms/acme/
  client-id: models
  client-secret: {{env: SECRET}}
  name: Acme & Co
  scopes: [openid, groups]
  rules:
    - {{claims: {{groups: ml}}, scopes: [model-registry, project], repositories: [acme/models]}}
"""
    found = configured(tmp_path, text)

    rule = Rule(
        {"groups": (Pattern("ml"),)},
        frozenset({"model-registry", "project"}),
        repositories=frozenset({"acme/models"}),
    )
    issuer = TrustedIssuer(
        "https://id.example.org/realms/acme/", "Acme & Co", frozenset({"models"}), (rule,)
    )
    assert found == LogInSettings(issuer, "models", "hunter2", ("openid", "groups"))
    assert "hunter2" not in repr(found)


def test_defaults(tmp_path: Path) -> None:
    found = configured(tmp_path, f"{URL}log-in: {{{WHO}, {RULES}}}")

    assert found is not None
    assert (found.client_secret, found.scopes) == ("", ("openid", "email"))
    assert found.issuer.name == "id.example.org"
    assert found.issuer.rules[0].scopes == {"model-registry"}


def test_none(tmp_path: Path) -> None:
    assert configured(tmp_path, URL) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"log-in: {{{WHO}, {RULES}}}", "log-in needs a url"),
        (f"{URL}log-in: {{issuer: http://id.example.org, client-id: a, {RULES}}}", "must be https"),
        (f"{URL}log-in: {{issuer: https://id.example.org, {RULES}}}", "client-id"),
        (f"{URL}log-in: {{{WHO}, rules: []}}", "rules"),
        (f"{URL}log-in: {{{WHO}, client-secret: hunter2, {RULES}}}", "must not be in"),
        (f"{URL}log-in: {{{WHO}, scopes: [email], {RULES}}}", "must have openid"),
        (f'{URL}log-in: {{{WHO}, name: "a\\u202eb", {RULES}}}', "is not a name"),
        (
            f"{URL}log-in: {{{WHO}, rules: [{{claims: {{sub: '*'}}, teams: [a]}}]}}",
            "binds no claim",
        ),
        (
            f"{URL}log-in: {{{WHO},"
            " rules: [{claims: {sub: a}, scopes: [project], teams: [a]}]}",
            "the pages need the scope model-registry",
        ),
        (
            f"{URL}log-in: {{{WHO}, rules: [{{claims: {{sub: a}}, repositories: [acme/none]}}]}}",
            "log-in has rules for acme/none, which is not served",
        ),
        (
            f"{URL}log-in: {{issuer: https://accounts.google.com, client-id: a,"
            " rules: [{claims: {email_verified: true}, teams: [a]}]}",
            "everybody can get a token",
        ),
    ],
)
def test_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadInput) as refused:
        configured(tmp_path, text)
    assert words in str(refused.value)
    assert "hunter2" not in str(refused.value)
