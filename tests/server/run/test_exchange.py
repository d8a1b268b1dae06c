"""The exchange on a server of two processes, with ID tokens of an issuer that others made."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests

from studio_action.server.api.routes.token_exchange import GRANT_TYPE, SUBJECT_TOKEN_TYPES
from tests.oidc.issuer import Issuer, issuer
from tests.server.running import Running, started
from tests.servers.process import free_ports, running

URL = "https://models.example.org"


@pytest.fixture(scope="module")
def ci() -> Iterator[Issuer]:
    with issuer() as made:
        yield made


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of `oidc-provider-mock`, a provider of OpenID Connect made with Authlib."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        try:
            return requests.get(f"{url}/.well-known/openid-configuration", timeout=5).ok
        except requests.ConnectionError:
            return False

    program = Path(sys.executable).with_name("oidc-provider-mock")
    command = [str(program), "--port", str(port), "--user", "ada"]
    with running(command, tmp_path_factory.mktemp("provider"), ready):
        yield url


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, ci: Issuer, provider: str
) -> Iterator[Running]:
    def rules(**claims: str) -> list[dict[str, object]]:
        return [{"claims": claims, "scopes": ["model-registry"], "repositories": ["acme/models"]}]

    trusted = [
        {"issuer": ci.url, "name": "ci", "rules": rules(repository="acme/models")},
        {"issuer": provider, "name": "provider", "rules": rules(sub="ada")},
    ]
    folder = tmp_path_factory.mktemp("server")
    (folder / "secret").write_text("of-the-client\n")
    people = [{"claims": {"sub": "ada"}, "repositories": ["acme/models"]}]
    log_in = {
        "issuer": provider,
        "client-id": "models",
        "client-secret": {"file": "secret"},
        "rules": people,
    }
    with started(folder, workers=2, url=URL, trusted_issuers=trusted, log_in=log_in) as server:
        yield server


def exchanged(server: Running, id_token: str) -> requests.Response:
    form = {
        "grant_type": GRANT_TYPE,
        "subject_token": id_token,
        "subject_token_type": SUBJECT_TOKEN_TYPES[0],
    }
    # The URL of the configuration, in which a proxy would stand, leads nowhere here.
    return requests.post(f"{server.url}/api/oauth/token", data=form, timeout=30)


def models(server: Running, token: str) -> int:
    return requests.get(
        f"{server.url}/api/model-registry/models",
        {"repo": "acme/models"},
        headers={"Authorization": f"token {token}"},
        timeout=30,
    ).status_code


def id_token_of(provider: str, subject: str) -> str:
    """Log in by the authorization code flow, for an ID token whose `aud` is the server."""
    back = "http://127.0.0.1/back"
    asked = {"client_id": URL, "redirect_uri": back, "response_type": "code", "scope": "openid"}
    there = requests.post(
        f"{provider}/oauth2/authorize",
        params=asked,
        data={"sub": subject},
        allow_redirects=False,
        timeout=10,
    )
    code = parse_qs(urlsplit(there.headers["Location"]).query)["code"][0]
    given = requests.post(
        f"{provider}/oauth2/token",
        data={"grant_type": "authorization_code", "code": code, "redirect_uri": back},
        auth=(quote(URL, safe=""), "secret"),
        timeout=10,
    )
    text: str = given.json()["id_token"]
    return text


def test_exchange__an_issuer_that_others_made(server: Running, provider: str) -> None:
    """Its tokens have no `jti`, a list as `aud` and, in some of its releases, no `kid`."""
    id_token = id_token_of(provider, "ada")

    answer = exchanged(server, id_token)

    assert answer.status_code == 200, answer.text
    assert models(server, answer.json()["access_token"]) == 200
    assert exchanged(server, id_token).json()["error_description"].startswith("the ID token was us")
    assert "sub is bob" in exchanged(server, id_token_of(provider, "bob")).text


def test_exchange__once_whichever_process_gets_it(server: Running, ci: Issuer) -> None:
    id_token = ci.mint(ci.github_claims(URL))
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: exchanged(server, id_token), range(6)))

    assert sorted(each.status_code for each in answers) == [200] + [400] * 5
    (token,) = (each.json()["access_token"] for each in answers if each.ok)
    assert [models(server, token) for _ in range(4)] == [200] * 4
    assert token not in str(server.lines)
    assert id_token not in str(server.lines)


def test_log_in__at_a_provider_that_others_made(server: Running, provider: str) -> None:
    """Whichever process answers: each request has a connection of its own."""

    def get(path: str, cookies: dict[str, str], **query: str) -> requests.Response:
        text = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return requests.get(
            server.url + path, query, headers={"Cookie": text}, allow_redirects=False, timeout=30
        )

    def come_back(subject: str) -> requests.Response:
        begun = get("/login/oidc", {})
        there = requests.post(
            begun.headers["Location"], data={"sub": subject}, allow_redirects=False, timeout=10
        )
        back = urlsplit(there.headers["Location"])
        assert f"{back.scheme}://{back.netloc}{back.path}" == f"{URL}/login/callback"
        query = {name: values[0] for name, values in parse_qs(back.query).items()}
        return get("/login/callback", begun.cookies.get_dict(), **query)

    answer = come_back("ada")

    assert answer.status_code == 200, answer.text
    cookies = answer.cookies.get_dict()
    assert [get("/", cookies).status_code for _ in range(4)] == [200] * 4
    assert "sub is bob" in come_back("bob").text
    assert "of-the-client" not in str(server.lines)
