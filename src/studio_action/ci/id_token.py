"""ID tokens of jobs: where a job has one from, and what it says of itself. Pure.

An ID token is a JWT by which a CI system says which job this is (OpenID Connect Core, section 2).
Whoever has it can pose as the job, so it is as secret as a token.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from studio_action.errors import BadInput, TokenRefused, UnexpectedAnswer
from studio_action.net import bounded_json
from studio_action.net.origin import keeps_secrets
from studio_action.text import printable, redact

_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_LARGEST = 64 << 10
"""Characters; GitHub's have 2,000."""


@dataclass(frozen=True, slots=True)
class IdToken:
    """An ID token, with what it says of itself: who issued it, and the servers it is for.

    Nobody has checked its signature: the server that gets it does.
    """

    text: str = field(repr=False)
    issuer: str
    audiences: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> IdToken:
        """Read an ID token; raise `ValueError` for what is none."""
        if len(text) > _LARGEST or not _JWT.fullmatch(text):
            raise ValueError("it is not three parts of Base64, with dots between them")
        payload = text.split(".")[1]
        claims = bounded_json.read(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        match claims:
            case {"iss": str(issuer), "aud": str(audience)}:
                return cls(text, issuer, (audience,))
            case {"iss": str(issuer), "aud": [*audiences]}:
                return cls(text, issuer, tuple(map(str, audiences)))
        raise ValueError("it does not say who issued it and for whom")


@dataclass(frozen=True, slots=True)
class GivenIdToken:
    """The one ID token that a job has; `origin` is the variable that it came in.

    `chosen` if somebody gave it for this server; the CI system's own may be for any other one.
    """

    id_token: IdToken
    origin: str
    chosen: bool

    @classmethod
    def parse(cls, text: str, origin: str, *, chosen: bool) -> GivenIdToken:
        """Read the ID token; raise `BadInput` for what is none."""
        try:
            return cls(IdToken.parse(text), origin, chosen)
        except ValueError as error:
            raise BadInput(
                f"{origin} does not hold an ID token: {printable(str(error), 200)}",
                "It is a JWT, as a CI system makes it for a job",
            ) from None


@dataclass(frozen=True, slots=True)
class IdTokenRequest:
    """The URL at which a job gets ID tokens, each for one server; `token` is for this URL alone.

    `origin` is the variable with the URL.
    """

    url: str = field(repr=False)
    token: str = field(repr=False)
    origin: str

    def __post_init__(self) -> None:
        if not keeps_secrets(self.url):
            raise BadInput(
                f"{self.origin} is not an https URL: {printable(redact(self.url), 200)}",
                "The token that makes ID tokens of this job is sent over https only",
            )

    def url_for(self, audience: str) -> str:
        """Return the URL of an ID token for one server."""
        joint = "&" if "?" in self.url else "?"
        return f"{self.url}{joint}{urlencode({'audience': audience})}"


IdTokenSource = GivenIdToken | IdTokenRequest


def of_variable(name: str, environ: Mapping[str, str]) -> GivenIdToken | None:
    """Return the ID token in a variable of the CI system; None if it is not set."""
    text = environ.get(name, "").strip()
    return GivenIdToken.parse(text, name, chosen=False) if text else None


def read_answer(status: int, body: bytes, origin: str) -> IdToken:
    """Return the ID token in the answer of the URL in `origin`.

    Raises `TokenRefused` if the job may have none, and `UnexpectedAnswer`.
    https://docs.github.com/en/actions/reference/security/oidc#methods-for-requesting-the-oidc-token
    """
    try:
        match bounded_json.read(body):
            case {"value": str(text)} if status == 200:
                return IdToken.parse(text)
    except ValueError:
        pass
    kind = TokenRefused if status in (401, 403) else UnexpectedAnswer
    raise kind(
        f"the URL in {origin} answered {status} without an ID token",
        "Give the job `permissions: id-token: write`, and look at the CI system's status",
    )
