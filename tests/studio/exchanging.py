"""A server that exchanges ID tokens, and a CI system that makes them, in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import requests
import responses
from responses import matchers

from tests.ci.test_id_token import jwt
from tests.studio.test_oauth import ANSWER, DOCUMENT, GITHUB, SERVER, URL

ENDPOINT = SERVER.token_endpoint
REQUEST_URL = "https://runner.example.org/idtoken?api-version=2.0"
REQUEST_TOKEN = "request-s3cret"


@contextmanager
def keyless_server() -> Iterator[responses.RequestsMock]:
    """A server that offers the exchange, and a CI system with as many ID tokens as one wants."""
    made: list[str] = []

    def id_token(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        assert request.headers["Authorization"] == f"bearer {REQUEST_TOKEN}"
        made.append(jwt({"iss": GITHUB, "aud": SERVER.audience, "jti": str(len(made))}))
        return 200, {}, json.dumps({"count": 1, "value": made[-1]})

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(URL, json=DOCUMENT)
        mock.add_callback(
            "GET",
            REQUEST_URL.partition("?")[0],
            id_token,
            match=[
                matchers.query_param_matcher(
                    {"api-version": "2.0", "audience": "https://models.example.org/studio"}
                )
            ],
        )
        yield mock


def exchanged(mock: responses.RequestsMock, *texts: str, **more: Any) -> None:
    for text in texts:
        mock.post(ENDPOINT, json={**ANSWER, "access_token": text, **more})


def subjects(mock: responses.RequestsMock) -> list[str]:
    """The ID tokens that were sent, in order."""
    bodies = [call.request.body for call in mock.calls if call.request.url == ENDPOINT]
    return [parse_qs(body)["subject_token"][0] for body in bodies]
