from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import responses

from studio_action.ci.id_token import GivenIdToken, IdTokenRequest, IdTokenSource
from studio_action.errors import TokenRefused, UnexpectedAnswer, Unreachable
from studio_action.net.clock import Deadline, Limits
from studio_action.net.http_client import HttpClient
from studio_action.net.network import Network
from studio_action.studio.token_exchange import TokenExchange
from tests.ci.test_id_token import jwt
from tests.fakes import Time
from tests.studio.exchanging import (
    ENDPOINT,
    REQUEST_TOKEN,
    REQUEST_URL,
    exchanged,
    keyless_server,
    subjects,
)
from tests.studio.test_oauth import BASE, DOCUMENT, GITHUB, SERVER, URL

REQUEST = IdTokenRequest(REQUEST_URL, REQUEST_TOKEN, "ACTIONS_ID_TOKEN_REQUEST_URL")
PREPARED = jwt({"iss": GITHUB, "aud": SERVER.audience, "jti": "0"})
GIVEN = GivenIdToken.parse(PREPARED, "STUDIO_ID_TOKEN", chosen=True)


@pytest.fixture
def server() -> Iterator[responses.RequestsMock]:
    with keyless_server() as mock:
        yield mock


class Here:
    """A job with an exchange, and what came of it."""

    def __init__(self, source: IdTokenSource = REQUEST) -> None:
        self.time = Time()
        self.said: list[str] = []
        self.masked: list[str] = []
        limits = Limits(5.0, 3, Deadline(None, self.time.clock), lambda: 0.0)
        self.exchange = TokenExchange(
            BASE,
            source,
            "model-registry",
            lambda peer: HttpClient(peer, Network(), limits, self.said.append),
            self.time.clock,
            self.masked.append,
            self.said.append,
            "Make another",
        )


def test_token(server: responses.RequestsMock) -> None:
    exchanged(server, "isat_1")
    here = Here()

    assert here.exchange.token() == "isat_1"

    (sent,) = subjects(server)
    assert here.masked == ["request-s3cret", sent, "isat_1"]
    assert not [line for line in here.said for secret in here.masked if secret in line]
    assert here.said == [
        "Keyless: https://models.example.org/studio/ gave a token for 15 min 00 s"
        f" for the ID token of {GITHUB}"
    ]


def test_token__is_exchanged_for_once(server: responses.RequestsMock) -> None:
    exchanged(server, "isat_1")
    here = Here()

    tokens = [here.exchange.token()]
    here.time.now += 900 - 31
    tokens.append(here.exchange.token())

    assert tokens == ["isat_1", "isat_1"]
    assert len(subjects(server)) == 1


def test_token__another_before_it_expires(server: responses.RequestsMock) -> None:
    exchanged(server, "isat_1", "isat_2")
    here = Here()

    here.exchange.token()
    here.time.now += 900 - 29

    assert here.exchange.token() == "isat_2"
    first, second = subjects(server)
    assert first != second
    assert [call.request.url for call in server.calls].count(URL) == 1


def test_token__one_of_a_short_life_is_used_all_the_same(server: responses.RequestsMock) -> None:
    exchanged(server, "isat_1", expires_in=20)
    here = Here()

    here.exchange.token()
    here.time.now += 9

    assert here.exchange.token() == "isat_1"


def test_token__the_only_id_token_was_used(server: responses.RequestsMock) -> None:
    exchanged(server, "isat_1")
    here = Here(GIVEN)

    assert here.masked == [PREPARED]
    here.exchange.token()
    here.time.now += 899
    assert here.exchange.token() == "isat_1"
    here.time.now += 1

    with pytest.raises(TokenRefused, match="STUDIO_ID_TOKEN has expired after 15 min 00 s"):
        here.exchange.token()
    assert subjects(server) == [PREPARED]


def test_token__lost_answers_cost_another_id_token_each(server: responses.RequestsMock) -> None:
    server.post(ENDPOINT, body=requests.ConnectionError("reset"))
    server.post(ENDPOINT, status=502)
    exchanged(server, "isat_1")

    assert Here().exchange.token() == "isat_1"

    assert len(set(subjects(server))) == 3


@pytest.mark.parametrize(
    ("status", "headers", "sent"),
    [
        pytest.param(500, {}, 1, id="it may have been used"),
        pytest.param(503, {"Retry-After": "1"}, 4, id="it was surely not used"),
        pytest.param(429, {}, 4, id="too many"),
    ],
)
def test_token__the_only_id_token_is_sent_again_if_it_was_not_used(
    status: int, headers: dict[str, str], sent: int, server: responses.RequestsMock
) -> None:
    server.post(ENDPOINT, status=status, headers=headers)

    with pytest.raises(Unreachable, match=str(status)):
        Here(GIVEN).exchange.token()

    assert subjects(server) == [PREPARED] * sent


@pytest.mark.parametrize(
    "changed", [{"token_endpoint": "https://evil.example/t"}, {"id_token_audience": "sts.aws"}]
)
@responses.activate
def test_token__nothing_secret_goes_where_the_server_is_not(changed: dict[str, str]) -> None:
    responses.get(URL, json={**DOCUMENT, **changed})

    with pytest.raises(UnexpectedAnswer):
        Here().exchange.token()

    assert [call.request.url for call in responses.calls] == [URL]


def test_token__an_id_token_of_others_is_not_sent(server: responses.RequestsMock) -> None:
    text = jwt({"iss": GITHUB, "aud": "sts.amazonaws.com"})
    theirs = GivenIdToken.parse(text, "CIRCLE_OIDC_TOKEN_V2", chosen=False)

    with pytest.raises(TokenRefused, match=r"is for sts.amazonaws.com.*Make another"):
        Here(theirs).exchange.token()

    assert subjects(server) == []


def test_token__one_of_another_audience_is_sent_if_somebody_chose_it(
    server: responses.RequestsMock,
) -> None:
    exchanged(server, "isat_1")
    text = jwt({"iss": GITHUB, "aud": "the-organization"})

    assert Here(GivenIdToken.parse(text, "X", chosen=True)).exchange.token() == "isat_1"

    assert subjects(server) == [text]


@pytest.mark.parametrize("status", [302, 307, 308])
def test_token__redirected_elsewhere(server: responses.RequestsMock, status: int) -> None:
    server.post(ENDPOINT, status=status, headers={"Location": "https://evil.example/t"})

    with pytest.raises(UnexpectedAnswer, match="another server, and the token must not go there"):
        Here().exchange.token()

    assert "evil" not in "".join(str(call.request.url) for call in server.calls)


@responses.activate
def test_token__the_ci_system_redirects_elsewhere() -> None:
    responses.get(URL, json=DOCUMENT)
    responses.get(
        REQUEST_URL.partition("?")[0], status=302, headers={"Location": "https://evil.example/t"}
    )

    with pytest.raises(UnexpectedAnswer, match="another server, and the token must not go there"):
        Here().exchange.token()

    assert "evil" not in "".join(str(call.request.url) for call in responses.calls)


@responses.activate
def test_token__the_ci_system_is_down() -> None:
    responses.get(URL, json=DOCUMENT)
    responses.get(REQUEST_URL.partition("?")[0], body=requests.ConnectionError("request-s3cret"))

    with pytest.raises(Unreachable, match=r"CI system's URL for ID tokens.*4 attempts") as caught:
        Here().exchange.token()

    assert "ACTIONS_ID_TOKEN_REQUEST_URL" in caught.value.hint
    assert "s3cret" not in str(caught.value)


def test_exchange__shows_no_secret(server: responses.RequestsMock) -> None:
    exchanged(server, "isat_1")
    here = Here()
    here.exchange.token()
    assert not [secret for secret in here.masked if secret in repr(here.exchange)]
