"""People log in with an identity provider: a real one on loopback, and everybody who attacks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from studio_action.server.access import Token
from studio_action.server.openid import attempts
from studio_action.server.openid.provider import LogInSettings
from studio_action.server.settings import PagesSettings
from studio_action.server.token_exchange.issuers import TrustedIssuer
from studio_action.server.web import sessions
from tests.oidc.issuer import AUTHORIZE, DISCOVERY, TOKEN, Client, Issuer, Reply, issuer
from tests.server.calendar import Calendar
from tests.server.lines import Lines
from tests.server.site import Site, site
from tests.server.token_exchange.trusting import rule

URL = "http://models.example.org"
"""Not https, so that the cookies go over loopback."""
CLIENT_SECRET = "the-secret-of-the-client"
RULES = (
    rule({"email": "*@example.org"}, repositories=frozenset({"acme/models"})),
    rule({"groups": "ml"}, teams=frozenset({"ml"})),
)


@dataclass
class Here:
    """A server where people log in, their provider, and a browser."""

    site: Site
    provider: Issuer
    client: Client
    browser: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str, browser: requests.Session | None = None) -> requests.Response:
        return (browser or self.browser).get(
            self.site.url + path, allow_redirects=False, timeout=10
        )

    def begin(self, next: str = "/") -> str:
        """Where the browser is sent."""
        answer = self.browser.get(
            f"{self.site.url}/login/oidc", params={"next": next}, allow_redirects=False, timeout=10
        )
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def at_the_provider(self, url: str) -> dict[str, str]:
        """What the provider sends the browser back with."""
        answer = requests.get(url, allow_redirects=False, timeout=10)
        address, _, query = answer.headers["Location"].partition("?")
        assert address == f"{URL}/login/callback"
        return dict(parse_qsl(query))

    def come_back(
        self, query: dict[str, str], browser: requests.Session | None = None
    ) -> requests.Response:
        return (browser or self.browser).get(
            f"{self.site.url}/login/callback", params=query, allow_redirects=False, timeout=10
        )

    def log_in(self, next: str = "/") -> requests.Response:
        return self.come_back(self.at_the_provider(self.begin(next)))

    def token(self) -> Token:
        """The token of the browser's session."""
        id = self.browser.cookies[sessions.COOKIE].partition(".")[0]
        token = self.site.services.tokens.by_id(id)
        assert token is not None
        return token

    def is_logged_in(self, browser: requests.Session | None = None) -> bool:
        return self.get("/", browser).status_code == 200


@contextmanager
def serving(
    folder: Path, client_secret: str = CLIENT_SECRET, url: str = URL, **settings: Any
) -> Iterator[Here]:
    calendar = Calendar()
    with issuer("/realms/acme", lambda: calendar().timestamp()) as provider:
        provider.client = Client("models", f"{url}/login/callback", client_secret)
        trusted = TrustedIssuer(provider.url, "Acme & Co", frozenset({"models"}), RULES)
        told = LogInSettings(trusted, "models", client_secret)
        with site(folder, url=url, pages=PagesSettings(told), **settings) as running:
            assert running.calendar() == calendar()
            yield Here(running, provider, provider.client)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    with serving(tmp_path_factory.mktemp("site")) as here:
        yield here


@pytest.fixture
def here(shared: Here) -> Iterator[Here]:
    """The server as it was at first, and a browser that nobody used."""
    shared.provider.replies.clear()
    shared.client.changes.clear()
    shared.client.codes.clear()
    with requests.Session() as browser:
        browser.trust_env = False
        yield Here(shared.site, shared.provider, shared.client, browser)


def refused(answer: requests.Response, words: str, status: int = 403) -> bool:
    """Whether the page says so, and nobody was let in."""
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    return sessions.COOKIE not in answer.headers.get("Set-Cookie", "")


def minted(here: Here) -> int:
    return len(here.site.services.tokens.all())


# The way as it should be


def test_log_in(here: Here) -> None:
    page = here.get("/login?next=/%3Fq%3Dchurn").text
    assert '<a class="button" href="/login/oidc?next=%2F%3Fq%3Dchurn">' in page
    assert "Log in with Acme &amp; Co" in page

    answer = here.log_in("/?q=churn")

    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0;url=/?q=churn">' in answer.text
    assert here.is_logged_in()
    assert "acme/secret" not in here.get("/").text
    token = here.token()
    assert (token.name, token.scopes) == ("ada@example.org", {"model-registry"})
    assert (token.issuer, token.repositories) == (here.provider.url, {"acme/models"})
    assert token.claims == {
        "sub": "ada",
        "aud": "models",
        "email": "ada@example.org",
    }
    assert token.expires is not None
    assert (token.expires - token.created).total_seconds() == 12 * 3600


def test_begin__asks_as_it_should(here: Here) -> None:
    url = here.begin()

    assert url.startswith(here.provider.url + AUTHORIZE)
    asked = dict(parse_qsl(urlsplit(url).query))
    assert len(asked.pop("state")) == 43
    assert len(asked.pop("nonce")) == 64
    assert len(asked.pop("code_challenge")) == 43
    assert asked == {
        "response_type": "code",
        "client_id": "models",
        "redirect_uri": f"{URL}/login/callback",
        "scope": "openid email",
        "code_challenge_method": "S256",
    }


def test_begin__the_cookie(here: Here) -> None:
    answer = here.get("/login/oidc")

    value, *told = answer.headers["Set-Cookie"].split("; ")
    assert value.startswith(f"{attempts.COOKIE}=")
    assert {each.lower() for each in told} == {
        "httponly",
        "max-age=600",
        "path=/login",
        "samesite=lax",
    }


def test_begin__below_a_sub_path_on_https(tmp_path: Path) -> None:
    url = "https://models.example.org/studio"
    with serving(tmp_path, url=url, base_path="/studio") as here:
        answer = here.get("/login/oidc")

        assert "Path=/studio/login; SameSite=lax; Secure" in answer.headers["Set-Cookie"]
        asked = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
        assert asked["redirect_uri"] == f"{url}/login/callback"
        assert 'href="/studio/login/oidc?next=%2Fstudio%2F"' in here.get("/login").text


def test_log_in__of_a_public_client(tmp_path: Path) -> None:
    with serving(tmp_path, client_secret="") as here:
        assert here.log_in().status_code == 200
        assert here.is_logged_in()


def test_log_in__by_a_group(here: Here) -> None:
    here.client.changes.update(email=None, groups=["sales", "ml"], preferred_username="ada")

    assert here.log_in().status_code == 200

    token = here.token()
    assert (token.name, token.teams) == ("ada", {"ml"})


def test_log_out__ends_the_token(here: Here) -> None:
    here.log_in()
    cookie = here.browser.cookies[sessions.COOKIE]

    here.browser.post(
        f"{here.site.url}/logout", headers={"Sec-Fetch-Site": "same-origin"}, timeout=10
    )

    with requests.Session() as thief:
        thief.cookies.set(sessions.COOKIE, cookie)
        assert not here.is_logged_in(thief)


def test_no_provider(tmp_path: Path) -> None:
    with site(tmp_path) as plain:
        page = requests.get(f"{plain.url}/login", timeout=10).text
        assert "oidc" not in page
        for path in ("/login/oidc", "/login/callback?code=a&state=b"):
            assert requests.get(plain.url + path, timeout=10).status_code == 404


# Attacks


def test_refused__another_browser(here: Here) -> None:
    """The link of an attacker's own log-in does not log a victim in as the attacker."""
    query = here.at_the_provider(here.begin())

    with requests.Session() as victim:
        assert refused(here.come_back(query, victim), "not begun in this browser")
        assert not here.is_logged_in(victim)


def test_refused__the_state_of_another_log_in(here: Here) -> None:
    query = here.at_the_provider(here.begin())

    with requests.Session() as victim:
        here.get("/login/oidc", victim)
        assert refused(here.come_back(query, victim), "not begun in this browser")


@pytest.mark.parametrize("state", ["", "a" * 43, "\x00", "é"])
def test_refused__state(here: Here, state: str) -> None:
    query = here.at_the_provider(here.begin())

    assert refused(here.come_back({**query, "state": state}), "not begun in this browser")


def test_refused__no_state(here: Here) -> None:
    query = here.at_the_provider(here.begin())
    del query["state"]

    assert refused(here.come_back(query), "not begun in this browser")


def forged(cookie: str) -> Iterator[str]:
    for position in range(0, len(cookie), 7):
        other = "0" if cookie[position] != "0" else "1"
        yield cookie[:position] + other + cookie[position + 1 :]


def test_refused__a_forged_cookie(here: Here) -> None:
    query = here.at_the_provider(here.begin())
    cookie = here.browser.cookies[attempts.COOKIE]

    for text in (*forged(cookie), "", "a.1.b.c.d", cookie + "0"):
        with requests.Session() as browser:
            browser.cookies.set(attempts.COOKIE, text)
            assert refused(here.come_back(query, browser), "not begun in this browser")


def test_refused__too_late(tmp_path: Path) -> None:
    with serving(tmp_path) as here:
        query = here.at_the_provider(here.begin())
        here.site.calendar.turn(minutes=10)
        assert refused(here.come_back(query), "not begun in this browser")


def test_refused__for_the_second_time(here: Here) -> None:
    """Also for somebody who has the cookie and the address of the first time."""
    query = here.at_the_provider(here.begin())
    cookie = here.browser.cookies[attempts.COOKIE]
    assert here.come_back(query).status_code == 200

    assert refused(here.come_back(query), "not begun in this browser")
    with requests.Session() as thief:
        thief.cookies.set(attempts.COOKIE, cookie)
        assert refused(here.come_back(query, thief), "finished before")


def test_refused__a_code_that_was_used(here: Here) -> None:
    """Injected into a log-in of the attacker's own: PKCE and the provider refuse it."""
    stolen = here.at_the_provider(here.begin())["code"]
    query = here.at_the_provider(here.begin())

    assert refused(here.come_back({**query, "code": stolen}), "does not accept this log-in")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nonce": "another"}, "of another log-in (nonce)"),
        ({"nonce": None}, "of another log-in (nonce)"),
        ({"nonce": ["a"]}, "of another log-in (nonce)"),
        ({"aud": "other-client"}, "audience (aud) is other-client"),
        ({"aud": ["models", "other-client"]}, "audience (aud) is models, other-client"),
        ({"azp": "other-client"}, "made for another client (azp)"),
        ({"iss": "https://evil.example.org"}, "of another issuer"),
        ({"exp": 1_000_000_000}, "expired"),
        ({"email": "eve@evil.example"}, "no rule of the server fits you at Acme"),
        ({"email": "<script>@evil.example"}, "email is &lt;script&gt;@evil.example"),
        ({"email_verified": False}, "has not verified your e-mail"),
        ({"email_verified": None}, "has not verified your e-mail"),
        ({"email": None, "groups": ["mlx", {"ml": "ml"}, ["ml"]]}, "groups is not one text"),
    ],
)
def test_refused__id_token(here: Here, changes: dict[str, Any], words: str) -> None:
    before = minted(here)
    here.client.changes.update(changes)

    assert refused(here.log_in(), words)

    assert minted(here) == before
    assert not here.is_logged_in()


def test_refused__an_id_token_that_others_signed(here: Here) -> None:
    key = here.provider.keys[0]
    query = here.at_the_provider(here.begin())
    with issuer("/other") as other:
        forger = other.keys[0]
        claims = here.provider.claims("models", nonce="x", **here.client.person)
        text = here.provider.mint(claims, key=forger, header={"kid": key.kid})
    here.provider.replies["/realms/acme" + TOKEN] = Reply.json({"id_token": text})

    assert refused(here.come_back(query), "signature of the ID token is wrong")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", "did not let you in here, or you cancelled"),
        ("login_required", "refused the log-in: login_required"),
        ("<script>alert(1)</script>", "refused the log-in: an unknown error"),
    ],
)
def test_refused__by_the_provider(here: Here, error: str, words: str) -> None:
    state = here.at_the_provider(here.begin())["state"]

    answer = here.come_back({"error": error, "state": state, "error_description": "call 0900"})

    assert refused(answer, words)
    assert "call 0900" not in answer.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"iss": "https://evil.example.org"}, "(iss)"),
        ({"code": ""}, "has no code"),
        ({"code": "a" * 5000}, "has no code"),
        ({"code": "a\nb"}, "has no code"),
    ],
)
def test_refused__answer(here: Here, changes: dict[str, str], words: str) -> None:
    assert refused(here.come_back({**here.at_the_provider(here.begin()), **changes}), words)


def test_refused__a_parameter_twice(here: Here) -> None:
    query = here.at_the_provider(here.begin())
    answer = here.browser.get(
        f"{here.site.url}/login/callback", params=[*query.items(), ("code", "b")], timeout=10
    )

    assert refused(answer, "has a parameter twice")


def test_refused__no_issuer_where_it_says_that_it_names_itself(tmp_path: Path) -> None:
    with serving(tmp_path) as here:
        told = {
            **here.provider.discovery(),
            "authorization_response_iss_parameter_supported": True,
        }
        here.provider.replies["/realms/acme" + DISCOVERY] = Reply.json(told)
        query = here.at_the_provider(here.begin())
        del query["iss"]
        assert refused(here.come_back(query), "(iss)")


@pytest.mark.parametrize(
    "next",
    [
        "https://evil.example.com/",
        "//evil.example.com/",
        "/\\evil.example.com/",
        "javascript:alert(1)",
        "/" + "a" * 3000,
    ],
)
def test_next__leads_nowhere_else(here: Here, next: str) -> None:
    answer = here.log_in(next)

    assert '<meta http-equiv="refresh" content="0;url=/">' in answer.text


def test_refused__is_logged_and_counted(tmp_path: Path) -> None:
    with serving(tmp_path) as here:
        here.client.changes.update(email="eve@evil.example")
        query = here.at_the_provider(here.begin())

        here.come_back(query)

        lines: Lines = here.site.lines
        lines.wait_for("request", 2)  # the beginning and the callback, in whatever order
        (told,) = [line for line in lines.all if line.get("path") == "/login/callback"]
        assert (told["status"], told["refused"]) == (403, "log-in")


def test_nothing_secret_is_logged(here: Here) -> None:
    query = here.at_the_provider(here.begin())
    here.come_back(query)
    here.get("/")

    text = here.site.lines.text
    cookies = [cookie.value or "" for cookie in here.browser.cookies]
    for secret in (query["code"], query["state"], CLIENT_SECRET, *cookies):
        assert secret not in text


# A provider that fails


def test_down(tmp_path: Path) -> None:
    with serving(tmp_path) as here:
        here.provider.stop()
        answer = here.get("/login/oidc")

        assert refused(answer, "Acme &amp; Co cannot be asked now", 503)
        assert answer.headers["Retry-After"] == "60"
        assert '<input id="token"' in answer.text
        here.site.lines.wait_for("a log-in failed")
        here.provider.start()
        here.site.calendar.turn(seconds=10)
        assert here.log_in().status_code == 200


def test_down__between_there_and_back(here: Here) -> None:
    query = here.at_the_provider(here.begin())
    here.provider.stop()
    try:
        assert refused(here.come_back(query), "cannot be asked now", 503)
    finally:
        here.provider.start()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        Reply(302, headers={"Location": "https://evil.example.org/"}),
        Reply(200, b"<html>"),
        Reply(200, b"[]"),
        Reply.json({"error": "invalid_client"}, 401),
        Reply.json({"error": "é\n", "error_description": ["x"]}, 400),
        Reply.json({"error": 7}, 400),
        Reply.json({"access_token": "a"}),
        Reply.json({"id_token": 7, "expires_in": "soon"}),
        Reply.json({"id_token": ["a"], "expires_at": {}}),
        Reply(200, b" " * (1 << 20)),
    ],
)
def test_token_endpoint(here: Here, reply: Reply) -> None:
    query = here.at_the_provider(here.begin())
    here.provider.replies["/realms/acme" + TOKEN] = reply

    assert refused(here.come_back(query), "cannot be asked now", 503)
    assert CLIENT_SECRET not in here.site.lines.text


@pytest.mark.parametrize(
    "change",
    [
        {"authorization_endpoint": "http://evil.example.org/authorize"},
        {"token_endpoint": "http://evil.example.org/token"},
        {"token_endpoint": None},
        {"issuer": "https://evil.example.org"},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
        {"token_endpoint_auth_methods_supported": 7},
    ],
)
def test_discovery__refused(tmp_path: Path, change: dict[str, object]) -> None:
    with serving(tmp_path) as here:
        told = {**here.provider.discovery(), **change}
        here.provider.replies["/realms/acme" + DISCOVERY] = Reply.json(told)

        assert refused(here.get("/login/oidc"), "cannot be asked now", 503)
