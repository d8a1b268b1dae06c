"""What `docs/server.md` says of the server is what the server has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from studio_action.server import app
from studio_action.server.api import deliveries
from studio_action.server.middleware import request_limits
from studio_action.server.run import connections, heads, listening, process, protocol
from studio_action.server.run.configuration.form import ConfigurationForm, RepositoryForm
from studio_action.server.run.configuration.log_in import LogInForm
from studio_action.server.run.configuration.reading import Options, read
from studio_action.server.run.configuration.trusted_issuers import RuleForm, TrustedIssuerForm
from tests.manifest.tables import rows_below

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/server.md").read_text()
SOURCES = "\n".join(path.read_text() for path in (ROOT / "src/studio_action/server").rglob("*.py"))
ENDPOINTS = [
    name.removeprefix("GET ").removeprefix("POST ") for name in rows_below(PAGE, "Endpoints")
]


def test_entries__all_of_the_file() -> None:
    fields = {*ConfigurationForm.model_fields, *RepositoryForm.model_fields}

    assert set(rows_below(PAGE, "Configuration")) == {name.replace("_", "-") for name in fields}


@pytest.mark.parametrize(
    ("entry", "default"),
    [
        (name, str(ConfigurationForm.model_fields[name.replace("-", "_")].default))
        for name in ("workers", "requests-per-minute", "largest-body", "connections-per-address")
    ],
)
def test_entries__default(entry: str, default: str) -> None:
    assert rows_below(PAGE, "Configuration")[entry][0] == f"`{default}`"


@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("connections of a process", f"{connections.MOST:,}"),
        ("the head of a request", f"{protocol.HEAD_PATIENCE:g} s"),
        ("the size of the head", f"{heads.LARGEST >> 10} KiB, {heads.MOST_FIELDS} fields"),
        ("the path and the query", f"{heads.LONGEST_TARGET >> 10} KiB"),
        ("the body of a request", f"{request_limits.BODY_PATIENCE:g} s"),
        ("the wait for the next request", f"{process.KEEP_ALIVE:g} s"),
        ("a client that takes nothing of a response", f"{listening.TAKE_PATIENCE:g} s"),
        ("invalid tokens from an address", f"{app.REFUSALS_PER_MINUTE} in a minute"),
        ("webhooks of a repository", f"{deliveries.PER_MINUTE} in a minute"),
    ],
)
def test_limit__is_as_said(what: str, limit: str) -> None:
    assert f"| {what} | {limit} |" in PAGE


KEYLESS = "Keyless: CI jobs without a stored token"


def test_entries__all_of_an_issuer_and_a_rule() -> None:
    fields = {*TrustedIssuerForm.model_fields, *RuleForm.model_fields}
    told = rows_below(PAGE, KEYLESS)

    assert {name.replace("_", "-") for name in fields} <= set(told)


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(url: .*?)```", PAGE, re.DOTALL))
def test_keyless__the_examples_are_read(text: str, tmp_path: Path) -> None:
    served = "data-dir: data\nrepositories: [{url: https://github.com/acme/models.git}]\n"
    (tmp_path / "server.yaml").write_text(served + text)

    assert read(Options("server.yaml"), {}, tmp_path).trusted_issuers


PEOPLE = "People log in with your identity provider"


def test_entries__all_of_the_log_in() -> None:
    fields = {name.replace("_", "-") for name in LogInForm.model_fields}

    assert fields <= set(rows_below(PAGE, PEOPLE))


def test_log_in__the_example_is_read(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(log-in:.*?)```", PAGE, re.DOTALL)
    served = (
        "data-dir: data\nurl: https://models.example.org\n"
        "repositories: [{url: https://github.com/acme/models.git}]\n"
    )
    (tmp_path / "server.yaml").write_text(served + text)

    assert read(Options("server.yaml"), {"OIDC_CLIENT_SECRET": "a"}, tmp_path).pages.log_in


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_endpoint__is_there(endpoint: str) -> None:
    assert f'"{endpoint.partition("?")[0]}"' in SOURCES
