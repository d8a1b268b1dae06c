from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.errors import BadInput
from studio_action.server.run.configuration.reading import Options, read
from studio_action.server.settings import ServerSettings
from studio_action.server.token_exchange.issuers import TrustedIssuer
from studio_action.server.token_exchange.rules import Pattern, Rule

SERVED = "data-dir: d\nrepositories: [{url: https://git.example.org/acme/models.git}]\n"
URL = "https://models.example.org/studio"
RULES = "rules: [{claims: {repository: acme/models}, scopes: [model-registry], teams: [ml]}]"


def configured(tmp_path: Path, text: str) -> ServerSettings:
    (tmp_path / "server.yaml").write_text(SERVED + text)
    return read(Options("server.yaml"), {}, tmp_path)


def issuer(tmp_path: Path, entries: str) -> TrustedIssuer:
    text = f"url: {URL}/\ntrusted-issuers: [{{{entries}}}]"
    (found,) = configured(tmp_path, text).trusted_issuers
    return found


def test_every_entry(tmp_path: Path) -> None:
    text = f"""
url: {URL}
trusted-issuers:
  - issuer: https://id.example.org/realms/ci/
    name: ci
    audiences: [models, more]
    rules:
      - claims: {{repository: [acme/*, more/models], ref_protected: true, job: 7}}
        scopes: [model-registry, project]
        teams: [ml]
        repositories: [acme/models]
      - {{claims: {{sub: a}}, scopes: [project], all-repositories: true}}
"""
    assert configured(tmp_path, text).trusted_issuers == (
        TrustedIssuer(
            url="https://id.example.org/realms/ci/",
            name="ci",
            audiences=frozenset({"models", "more"}),
            rules=(
                Rule(
                    claims={
                        "repository": (Pattern("acme/*"), Pattern("more/models")),
                        "ref_protected": (Pattern("true"),),
                        "job": (Pattern("7"),),
                    },
                    scopes=frozenset({"model-registry", "project"}),
                    teams=frozenset({"ml"}),
                    repositories=frozenset({"acme/models"}),
                ),
                Rule({"sub": (Pattern("a"),)}, frozenset({"project"}), all_repositories=True),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("entries", "url", "name"),
    [
        ("type: github", "https://token.actions.githubusercontent.com", "github"),
        (
            "type: github, url: https://github.example.org/",
            "https://github.example.org/_services/token",
            "github",
        ),
        ("type: gitlab, name: own, url: https://git.example.org", "https://git.example.org", "own"),
        (
            "type: circleci, organization: 36ee-72",
            "https://oidc.circleci.com/org/36ee-72",
            "circleci",
        ),
        (
            "type: bitbucket, workspace: acme",
            "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
            "bitbucket",
        ),
        ("issuer: https://id.example.org", "https://id.example.org", "id.example.org"),
        ("issuer: http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1"),
    ],
)
def test_which_issuer(tmp_path: Path, entries: str, url: str, name: str) -> None:
    found = issuer(tmp_path, f"{entries}, {RULES}")

    assert (found.url, found.name, found.audiences) == (url, name, {URL})


def test_gitlab_com(tmp_path: Path) -> None:
    rules = RULES.replace("repository", "project_path")
    assert issuer(tmp_path, f"type: gitlab, {rules}").url == "https://gitlab.com"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"trusted-issuers: [{{type: github, {RULES}}}]", "trusted-issuers need a url"),
        (f"{{type: github, {RULES}}}, {{type: github, {RULES}}}", "githubusercontent.com twice"),
        (f"{{{RULES}}}", "trusted-issuers[0]: needs an issuer, its URL, or a type"),
        (f"{{type: github, issuer: 'https://x', {RULES}}}", "and not both"),
        (f"{{type: jenkins, {RULES}}}", "trusted-issuers[0].type: Input should be"),
        (f"{{issuer: 'http://id.example.org', {RULES}}}", "issuer: must be https"),
        (f"{{type: gitlab, url: 'http://git.example.org', {RULES}}}", "must be https"),
        (f"{{type: circleci, {RULES}}}", "circleci needs organization"),
        (f"{{type: bitbucket, {RULES}}}", "bitbucket needs workspace"),
        (f"{{type: github, workspace: a, {RULES}}}", "github has no workspace"),
        (f"{{type: circleci, organization: a, url: 'https://x', {RULES}}}", "url is for a github"),
        (f"{{type: circleci, organization: a/../b, {RULES}}}", "organization: is not a name"),
        ("{type: github}", "trusted-issuers[0].rules: is missing"),
        ("{type: github, rules: []}", "trusted-issuers[0].rules: "),
        ("{type: github, rules: [{scopes: [project], teams: [a]}]}", "rules[0].claims: is missing"),
        (
            "{type: github, rules: [{claims: {}, scopes: [project], teams: [a]}]}",
            "rules[0]: a rule needs claims",
        ),
        (
            "{type: github, rules: [{claims: {ref: main}, scopes: [project], teams: [a]}]}",
            "trusted-issuers[0]: rules[0] does not say whose jobs fit",
        ),
        (
            "{issuer: 'https://x', rules: [{claims: {ref: '**'}, scopes: [project], teams: [a]}]}",
            "rules[0] binds no claim",
        ),
        (
            "{issuer: 'https://x', rules: [{claims: {a: b}, scopes: [], teams: [a]}]}",
            "rules[0].scopes: ",
        ),
        (
            "{issuer: 'https://x', rules: [{claims: {a: b}, scopes: [admin], teams: [a]}]}",
            "rules[0].scopes[0]: Input should be",
        ),
        (
            "{issuer: 'https://x', rules: [{claims: {a: b}, scopes: [project]}]}",
            "rules[0]: the tokens could read nothing",
        ),
        (
            "{issuer: 'https://x', rules: [{claims: {a: 1.5}, scopes: [project], teams: [a]}]}",
            "rules[0].claims.a: is not a text",
        ),
        (
            "{issuer: 'https://x', rules: [{claims: {a: []}, scopes: [project], teams: [a]}]}",
            "rules[0].claims.a: is not a text",
        ),
        (
            "{issuer: 'https://x', rules: [{claims: {a: ''}, scopes: [project], teams: [a]}]}",
            "rules[0].claims.a: is not a text",
        ),
        (
            "{issuer: 'https://x', rules: [{claims: {a: b}, scopes: [project],"
            " repositories: [acme/more]}]}",
            "trusted-issuers has rules for acme/more, which is not served",
        ),
    ],
)
def test_refused(tmp_path: Path, text: str, fault: str) -> None:
    whole = text if text.startswith("trusted") else f"url: {URL}\ntrusted-issuers: [{text}]"
    with pytest.raises(BadInput) as refused:
        configured(tmp_path, whole)

    assert fault in str(refused.value)
