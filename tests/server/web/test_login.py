from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from studio_action.server.web import sessions
from studio_action.server.web.login import is_same_origin, local_path
from tests.server.site import Site, site

HOME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path) as running:
        yield running


def post(
    browser: requests.Session, address: str, headers: dict[str, str] = HOME, **form: str
) -> requests.Response:
    return browser.post(address, form, headers=headers, allow_redirects=False, timeout=10)


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_form__asks_for_a_token(here: Site, browser: requests.Session) -> None:
    answer = browser.get(f"{here.url}/login", timeout=10)

    assert answer.status_code == 200
    assert '<input id="token" name="token" type="password"' in answer.text


def test_enter__a_token_that_reads_models(here: Site, browser: requests.Session) -> None:
    text, _ = here.token("acme/models")

    answer = post(
        browser, f"{here.url}/login", token=f" {text}\n", next="/team/ml/projects/x?ci=docker"
    )

    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/team/ml/projects/x?ci=docker",
    )
    assert browser.get(f"{here.url}/", timeout=10).status_code == 200


def test_enter__the_cookie(here: Site, browser: requests.Session) -> None:
    text, token = here.token("acme/models")

    answer = post(browser, f"{here.url}/login", token=text)

    value, *told = answer.headers["Set-Cookie"].split("; ")
    assert value.startswith(f"{sessions.COOKIE}={token.id}.")
    assert {each.lower() for each in told} == {
        "httponly",
        "max-age=43200",
        "path=/",
        "samesite=strict",
    }
    assert text[21:] not in answer.headers["Set-Cookie"]


def test_enter__the_cookie_below_a_sub_path_on_https(
    tmp_path: Path, browser: requests.Session
) -> None:
    address = "https://models.example.org/studio"
    with site(tmp_path, base_path="/studio", url=address) as here:
        text, _ = here.token("acme/models")

        answer = post(browser, f"{here.url}/login", token=text)

    assert answer.headers["Location"] == "/studio/"
    assert "Path=/studio; SameSite=strict; Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        pytest.param({"token": ""}, "The token is not valid", id="nothing"),
        pytest.param({"token": "abc123"}, "The token is not valid", id="no token of ours"),
        pytest.param({"token": f"isat_{64 * 'a'}"}, "The token is not valid", id="unknown"),
        pytest.param({}, "The token is not valid", id="another form"),
    ],
)
def test_enter__refused(
    given: dict[str, str], refusal: str, here: Site, browser: requests.Session
) -> None:
    answer = post(browser, f"{here.url}/login", **given)

    assert answer.status_code == 403
    assert refusal in answer.text
    assert "Set-Cookie" not in answer.headers


def test_enter__expired(here: Site, browser: requests.Session) -> None:
    text, _ = here.token("acme/models", expires=here.calendar() + timedelta(days=1))
    here.calendar.turn(days=1)

    answer = post(browser, f"{here.url}/login", token=text)

    assert (answer.status_code, "The token is not valid" in answer.text) == (403, True)
    here.lines.wait_for("request")
    assert here.lines.all[-1]["refused"] == "expired"


def test_enter__a_token_is_neither_shown_nor_logged(here: Site, browser: requests.Session) -> None:
    text, token = here.token("acme/models")
    here.services.tokens.revoke(token.id)

    answer = post(browser, f"{here.url}/login", token=text, next=f"/?token={text}")

    assert answer.status_code == 403
    here.lines.wait_for("request")
    assert text[21:] not in here.lines.text


def test_enter__tried_too_often(tmp_path: Path, browser: requests.Session) -> None:
    with site(tmp_path, now=lambda: 0.0) as here:
        answers = [post(browser, f"{here.url}/login", token="isat_guess") for _ in range(11)]

    assert [answer.status_code for answer in answers] == [403] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_enter__the_log_says_whose_token_it_was(here: Site, browser: requests.Session) -> None:
    text, token = here.token("acme/models", name="ada")

    post(browser, f"{here.url}/login", token=text)

    here.lines.wait_for("request")
    assert here.lines.all[-1]["token_id"] == token.id
    assert here.lines.all[-1]["token_name"] == "ada"


def test_enter__a_token_for_something_else(here: Site, browser: requests.Session) -> None:
    text, _ = here.token("acme/models", scope="project")

    answer = post(browser, f"{here.url}/login", token=text)

    assert answer.status_code == 403
    assert "it lacks the scope model-registry" in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_post__from_another_site(path: str, here: Site, browser: requests.Session) -> None:
    text, _ = here.token("acme/models")

    answer = post(browser, here.url + path, {"Sec-Fetch-Site": "cross-site"}, token=text)

    assert answer.status_code == 403
    assert "not sent from this page" in answer.text
    assert "Set-Cookie" not in answer.headers


def entered(here: Site, browser: requests.Session) -> str:
    """Log in with a token, whose id is given."""
    text, token = here.token("acme/models")
    assert post(browser, f"{here.url}/login", token=text).status_code == 303
    return token.id


def landing(here: Site, browser: requests.Session, path: str = "/", **headers: str) -> str:
    """Where a page sends this browser; '' where it shows itself."""
    answer = browser.get(here.url + path, headers=headers, allow_redirects=False, timeout=10)
    return answer.headers.get("Location", "")


def test_leave__the_session_is_over(here: Site, browser: requests.Session) -> None:
    entered(here, browser)

    answer = post(browser, f"{here.url}/logout")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert landing(here, browser) == "/login?next=/"


def test_visitor__the_token_was_revoked(here: Site, browser: requests.Session) -> None:
    id = entered(here, browser)
    assert landing(here, browser) == ""

    here.services.tokens.revoke(id)

    assert landing(here, browser) == "/login?next=/"
    assert not browser.cookies


def test_visitor__the_token_has_expired(here: Site, browser: requests.Session) -> None:
    text, _ = here.token("acme/models", expires=here.calendar() + timedelta(hours=1))
    post(browser, f"{here.url}/login", token=text)

    here.calendar.turn(hours=1)

    assert landing(here, browser) == "/login?next=/"


def test_visitor__the_session_is_old(here: Site, browser: requests.Session) -> None:
    entered(here, browser)

    here.calendar.turn(hours=12)

    assert landing(here, browser) == "/login?next=/"


def test_visitor__a_new_key_meanwhile(here: Site, browser: requests.Session) -> None:
    here.services.keys.current()
    here.calendar.turn(days=6, hours=23)
    entered(here, browser)

    here.calendar.turn(hours=11)
    here.services.keys.current()

    assert landing(here, browser) == ""


def test_visitor__a_forged_session(here: Site, browser: requests.Session) -> None:
    _, token = here.token("acme/models")
    key, now = here.services.keys.current(), int(here.calendar().timestamp())
    forged = f"{token.id}.{now}.{key.id}.{64 * '0'}"
    browser.cookies.set(sessions.COOKIE, forged)

    assert landing(here, browser) == "/login?next=/"


def test_first__keeps_what_was_asked_for(here: Site, browser: requests.Session) -> None:
    there = landing(here, browser, "/user/a%20b/projects/x?model=a%2Fb&all=1")

    assert there == "/login?next=/user/a%2520b/projects/x%3Fmodel%3Da%252Fb%26all%3D1"
    page = browser.get(here.url + there, timeout=10).text
    assert 'value="/user/a%20b/projects/x?model=a%2Fb&amp;all=1"' in page


def test_first__by_a_link_on_another_site(here: Site, browser: requests.Session) -> None:
    answer = browser.get(
        f"{here.url}/team/ml/projects/x?all=1", headers={"Sec-Fetch-Site": "cross-site"}, timeout=10
    )

    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0;url=/team/ml/projects/x?all=1">' in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("text", "base_path", "path"),
    [
        pytest.param(
            "/team/ml/projects/x?ci=gitlab", "", "/team/ml/projects/x?ci=gitlab", id="own"
        ),
        pytest.param("/studio/user/a", "/studio", "/studio/user/a", id="below the base path"),
        pytest.param("", "", "/", id="nothing"),
        pytest.param("", "/studio", "/studio/", id="nothing, below a base path"),
        pytest.param("/elsewhere", "/studio", "/studio/", id="outside of the base path"),
        pytest.param(
            "/studioso/x", "/studio", "/studio/", id="a name that begins like the base path"
        ),
        pytest.param("https://evil.example.com/", "", "/", id="another address"),
        pytest.param("//evil.example.com/", "", "/", id="another host"),
        pytest.param("/\\evil.example.com/", "", "/", id="a backslash, which browsers turn"),
        pytest.param("/\t/evil.example.com/", "", "/", id="a tab, which browsers drop"),
        pytest.param("/\n/evil.example.com/", "", "/", id="a newline, which browsers drop"),
        pytest.param("javascript:alert(1)", "", "/", id="a script"),
        pytest.param("evil", "", "/", id="a relative path"),
    ],
)
def test_own_path(text: str, base_path: str, path: str) -> None:
    assert local_path(text, base_path) == path


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        pytest.param({"sec-fetch-site": "same-origin"}, True, id="says the browser"),
        pytest.param({"sec-fetch-site": "same-site"}, False, id="a neighbour's"),
        pytest.param({"sec-fetch-site": "cross-site"}, False, id="another site's"),
        pytest.param({"sec-fetch-site": "none"}, False, id="of no page"),
        pytest.param({"origin": "https://models.example.org"}, True, id="origin"),
        pytest.param(
            {"origin": "http://models.example.org"}, True, id="origin, TLS ends before us"
        ),
        pytest.param({"origin": "https://evil.example.com"}, False, id="another origin"),
        pytest.param(
            {"origin": "https://models.example.org.evil.com"}, False, id="a longer origin"
        ),
        pytest.param({"origin": "null"}, False, id="an origin that is kept secret"),
        pytest.param(
            {"sec-fetch-site": "cross-site", "origin": "https://models.example.org"},
            False,
            id="both, and they differ",
        ),
        pytest.param({}, False, id="nothing is said"),
    ],
)
def test_is_from_here(headers: dict[str, str], ours: bool) -> None:
    assert is_same_origin(headers, ["models.example.org"]) is ours
