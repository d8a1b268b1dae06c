"""A real OpenID Connect issuer on loopback, and the endpoint that gives a job of GitHub its token.

    with issuer() as ci:
        ci.mint(ci.github_claims(audience=server, repository="acme/models"))

    environment = {  # of a job with `permissions: id-token: write`
        "ACTIONS_ID_TOKEN_REQUEST_URL": ci.request_url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ci.request_token,
    }

    ci.client = Client("client", "https://models.example.org/login/callback")  # people log in

Keys: https://www.rfc-editor.org/rfc/rfc7517; discovery:
https://openid.net/specs/openid-connect-discovery-1_0.html; claims as the CI systems document them:
https://docs.github.com/en/actions/reference/security/oidc,
https://docs.gitlab.com/ci/secrets/id_token_authentication/
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/.well-known/jwks"
AUTHORIZE = "/authorize"
TOKEN = "/token"
ID_TOKEN = "/_apis/jobs/0001/idtoken"
_CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
_NUMBERS = itertools.cycle(range(10, 16))
"""Keys are used again, but never by two issuers that are under way together."""


@cache
def private_key(algorithm: str, number: int = 0, bits: int = 2048) -> Any:
    """A private key for `RS256`, `ES256`, …; the same each time, as RSA's take long to make."""
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm]())
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclass(frozen=True)
class SigningKey:
    """A key of an issuer, with the id under which its JWKS has it."""

    kid: str
    algorithm: str
    private: Any = field(repr=False)

    def jwk(self) -> dict[str, Any]:
        """Its public half, as the JWKS shows it."""
        made = jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key(), True)
        return {**made, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def sign(self, message: bytes) -> bytes:
        return jwt.get_algorithm_by_name(self.algorithm).sign(message, self.private)


def encoded(part: bytes | Mapping[str, Any]) -> str:
    """One part of a token: bytes as they are, anything else as JSON."""
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def compact(
    header: bytes | Mapping[str, Any],
    payload: bytes | Mapping[str, Any],
    sign: Callable[[bytes], bytes],
) -> str:
    """A token of any header and payload (RFC 7515, section 7.1)."""
    message = f"{encoded(header)}.{encoded(payload)}"
    return f"{message}.{encoded(sign(message.encode()))}"


@dataclass(frozen=True)
class Reply:
    """What a path answers instead of the truth; with `hang` it answers once the issuer ends."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False

    @classmethod
    def json(cls, document: object, status: int = 200) -> Reply:
        return cls(status, json.dumps(document).encode(), {"Content-Type": "application/json"})


@dataclass
class Client:
    """An application that people log in to, and the `person` who does, as claims.

    `codes` are what the authorization endpoint gave out and nobody has used, with the parameters
    of each; `changes` go over what is right, in the next ID tokens.
    """

    id: str
    redirect_uri: str
    secret: str = ""
    person: Mapping[str, Any] = field(
        default_factory=lambda: {"sub": "ada", "email": "ada@example.org", "email_verified": True}
    )
    lands: str = ""
    """Where the redirect URI leads, as if a proxy stood there; '' for the URI itself."""
    codes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)

    def authorize(self, asked: Mapping[str, str], issuer: str) -> Reply:
        """Let the person in at once, and lead back with a code (RFC 6749, section 4.1.2)."""
        is_right = (
            asked.get("client_id") == self.id
            and asked.get("redirect_uri") == self.redirect_uri
            and asked.get("response_type") == "code"
            and asked.get("code_challenge_method") == "S256"
            and "openid" in asked.get("scope", "").split()
        )
        if not is_right:
            return Reply.json({"error": "invalid_request"}, 400)
        code = uuid.uuid4().hex
        self.codes[code] = asked
        back = urlencode({"code": code, "state": asked.get("state", ""), "iss": issuer})
        return Reply(303, headers={"Location": f"{self.lands or self.redirect_uri}?{back}"})

    def exchange(self, form: Mapping[str, str], authorization: str) -> Mapping[str, str] | str:
        """The parameters that the code was asked for with; else the error, by its OAuth name."""
        if self.secret:
            basic = base64.b64encode(f"{self.id}:{self.secret}".encode()).decode()
            if authorization != f"Basic {basic}":
                return "invalid_client"
        elif form.get("client_id") != self.id:
            return "invalid_client"
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            asked is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != self.redirect_uri
            or asked["code_challenge"] != base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        ):
            return "invalid_grant"
        return asked


@dataclass
class Issuer:
    """An issuer under way. `keys` are those of its JWKS; the first one signs.

    `path` is a path behind the host, as a GitHub Enterprise server has it. `now` returns seconds.
    """

    path: str = ""
    now: Callable[[], float] = time.time
    keys: list[SigningKey] = field(default_factory=list)
    replies: dict[str, Reply] = field(default_factory=dict)
    """What a path answers instead of the truth."""
    requests: Counter[str] = field(default_factory=Counter)
    """How often each path was asked for."""
    job: Callable[[str], Mapping[str, Any]] | None = None
    """The claims of the job that asks for an ID token, by audience; GitHub's defaults if None."""
    request_token: str = "request-token-of-the-job"
    client: Client | None = None
    """Where people log in."""
    _server: ThreadingHTTPServer | None = field(default=None, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)
    _address: tuple[str, int] = ("127.0.0.1", 0)
    _over: threading.Event = field(default_factory=threading.Event, repr=False)
    _made: int = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._address[1]}"

    @property
    def url(self) -> str:
        """What identifies it: the `iss` of its tokens."""
        return self.origin + self.path

    @property
    def request_url(self) -> str:
        """The variable `ACTIONS_ID_TOKEN_REQUEST_URL`: it has a query already, as GitHub's has."""
        return f"{self.origin}{ID_TOKEN}?api-version=2.0"

    def rotate(self, algorithm: str = "RS256", *, keep: bool = True) -> SigningKey:
        """Sign with another key from now on; the old ones stay in the JWKS if `keep`."""
        self._made += 1
        made = SigningKey(f"key-{self._made}", algorithm, private_key(algorithm, next(_NUMBERS)))
        self.keys = [made, *(self.keys if keep else ())]
        return made

    def mint(
        self,
        claims: bytes | Mapping[str, Any],
        *,
        key: SigningKey | None = None,
        header: Mapping[str, Any] | None = None,
    ) -> str:
        """A signed ID token with these claims; `header` adds to the header, None takes away."""
        key = key or self.keys[0]
        whole = {"typ": "JWT", "alg": key.algorithm, "kid": key.kid, **(header or {})}
        return compact({k: v for k, v in whole.items() if v is not None}, claims, key.sign)

    def claims(self, audience: str | Sequence[str], **changes: Any) -> dict[str, Any]:
        """What any ID token has; None takes a claim away."""
        now = int(self.now())
        standard = {
            "iss": self.url,
            "aud": audience,
            "sub": "somebody",
            "jti": str(uuid.uuid4()),
            "iat": now,
            "nbf": now,
            "exp": now + 300,
        }
        whole = {**standard, **changes}
        return {name: value for name, value in whole.items() if value is not None}

    def github_claims(
        self,
        audience: str | Sequence[str],
        repository: str = "acme/models",
        ref: str = "refs/heads/main",
        **changes: Any,
    ) -> dict[str, Any]:
        """What GitHub says of a job; `nbf` is ten minutes before `iat`, and flags are texts."""
        workflow = f"{repository}/.github/workflows/deploy.yml@{ref}"
        kind = "tag" if ref.startswith("refs/tags/") else "branch"
        return self.claims(
            audience,
            **{
                "sub": f"repo:{repository}:ref:{ref}",
                "nbf": int(self.now()) - 600,
                "repository": repository,
                "repository_owner": repository.partition("/")[0],
                "repository_id": "74",
                "repository_owner_id": "65",
                "repository_visibility": "private",
                "ref": ref,
                "ref_type": kind,
                "ref_protected": "true",
                "sha": "c" * 40,
                "actor": "ada",
                "actor_id": "12",
                "event_name": "push",
                "head_ref": "",
                "base_ref": "",
                "workflow": "deploy",
                "workflow_ref": workflow,
                "workflow_sha": "c" * 40,
                "job_workflow_ref": workflow,
                "job_workflow_sha": "c" * 40,
                "run_id": "30433642",
                "run_number": "1",
                "run_attempt": "1",
                "runner_environment": "github-hosted",
                **changes,
            },
        )

    def gitlab_claims(
        self,
        audience: str | Sequence[str],
        project_path: str = "acme/models",
        ref: str = "main",
        **changes: Any,
    ) -> dict[str, Any]:
        """What GitLab says of a job; it lives as long as the job may, and its flags are texts."""
        now = int(self.now())
        return self.claims(
            audience,
            **{
                "sub": f"project_path:{project_path}:ref_type:branch:ref:{ref}",
                "nbf": now - 5,
                "exp": now + 3600,
                "namespace_id": "72",
                "namespace_path": project_path.rpartition("/")[0],
                "project_id": "20",
                "project_path": project_path,
                "project_visibility": "private",
                "user_id": "1",
                "user_login": "ada",
                "user_email": "ada@example.org",
                "pipeline_id": "574",
                "pipeline_source": "push",
                "job_id": "302",
                "ref": ref,
                "ref_type": "branch",
                "ref_path": f"refs/heads/{ref}",
                "ref_protected": "true",
                "runner_id": 1,
                "runner_environment": "gitlab-hosted",
                "sha": "c" * 40,
                "ci_config_ref_uri": f"{project_path}//.gitlab-ci.yml@refs/heads/{ref}",
                "ci_config_sha": "c" * 40,
                **changes,
            },
        )

    def start(self) -> None:
        """Answer, at the same address as before."""
        handler = type("Handler", (_Handler,), {"issuer": self})
        self._server = _Server(self._address, handler)
        self._address = ("127.0.0.1", self._server.server_address[1])
        self._over.clear()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        """Be down: nobody listens any more."""
        self._over.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    def answer(self, target: str, authorization: str) -> Reply:
        """What it answers to a GET."""
        parts = urlsplit(target)
        self.requests[parts.path] += 1
        if parts.path in self.replies:
            return self.replies[parts.path]
        if parts.path == self.path + DISCOVERY:
            return Reply.json(self.discovery())
        if parts.path == self.path + JWKS:
            return Reply.json({"keys": [key.jwk() for key in self.keys]})
        if parts.path == ID_TOKEN:
            return self._id_token(parse_qs(parts.query), authorization)
        if parts.path == self.path + AUTHORIZE and self.client:
            return self.client.authorize(dict(parse_qsl(parts.query)), self.url)
        return Reply(404)

    def answer_form(self, target: str, authorization: str, body: str) -> Reply:
        """What it answers to a POST: at the token endpoint, the ID token for a code."""
        self.requests[target] += 1
        if target in self.replies:
            return self.replies[target]
        if target != self.path + TOKEN or self.client is None:
            return Reply(404)
        asked = self.client.exchange(dict(parse_qsl(body)), authorization)
        if isinstance(asked, str):
            return Reply.json({"error": asked, "error_description": "no"}, 400)
        told = {"nonce": asked.get("nonce"), **self.client.person, **self.client.changes}
        id_token = self.mint(self.claims(self.client.id, **told))
        answer = {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300}
        return Reply.json({**answer, "id_token": id_token})

    def answer_with_keys(self, *keys: object) -> Reply:
        """A key set of these, whatever they are."""
        return Reply.json({"keys": keys})

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "jwks_uri": self.url + JWKS,
            "authorization_endpoint": self.url + AUTHORIZE,
            "token_endpoint": self.url + TOKEN,
            "subject_types_supported": ["public", "pairwise"],
            "response_types_supported": ["id_token"],
            "claims_supported": ["sub", "aud", "exp", "iat", "iss", "jti", "nbf"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid"],
        }

    def _id_token(self, query: Mapping[str, Sequence[str]], authorization: str) -> Reply:
        if authorization.lower() != f"bearer {self.request_token}".lower():
            return Reply.json({"message": "Unauthorized"}, 401)
        audience = query.get("audience", ["https://github.com/acme"])[0]
        claims = self.job(audience) if self.job else self.github_claims(audience)
        return Reply.json({"count": 1, "value": self.mint(claims)})


class _Handler(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True
    issuer: Issuer

    def do_GET(self) -> None:
        self._reply(self.issuer.answer(self.path, self.headers.get("Authorization", "")))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        told = self.headers.get("Authorization", "")
        self._reply(self.issuer.answer_form(self.path, told, body))

    def _reply(self, reply: Reply) -> None:
        if reply.hang:
            self.issuer._over.wait(30)
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def issuer(
    path: str = "", now: Callable[[], float] = time.time, algorithm: str = "RS256"
) -> Iterator[Issuer]:
    """An issuer that listens on loopback, with one key."""
    made = Issuer(path, now)
    made.rotate(algorithm)
    made.start()
    try:
        yield made
    finally:
        made.stop()
