"""Where models come from: which Studio, with which credential, or the Git repository itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit, urlunsplit

from studio_action.ci.id_token import GivenIdToken, IdTokenSource
from studio_action.ci.job import Job
from studio_action.ci.platforms import id_token_source, no_id_token_hint, no_token_hint
from studio_action.errors import BadInput
from studio_action.inputs import parsers
from studio_action.inputs.lookup import Inputs, Value
from studio_action.inputs.table import SERVICE
from studio_action.model.artifact import SourceName
from studio_action.net.origin import keeps_secrets

_HEADER_SAFE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was given."""

    text: str = field(repr=False)


Credential = Token | IdTokenSource
"""A token or, for a self-hosted server, where the job gets the ID token that is exchanged for one.
"""


@dataclass(frozen=True, slots=True)
class Studio:
    """The base URL of a Studio, with a final slash, and what the job shows to it."""

    base: str
    credential: Credential

    @property
    def is_unencrypted(self) -> bool:
        """Return whether a token would cross a network unencrypted."""
        return not keeps_secrets(self.base)

    @property
    def is_self_hosted(self) -> bool:
        """Return whether this is not the public service, so that it may be our own server."""
        return _is_self_hosted(self.base)


@dataclass(frozen=True, slots=True)
class Keyless:
    """A server, and what a job without a token has for it.

    `no_source` says what to do if there are no ID tokens. `given` is an input with a token, which
    takes the place of an ID token; '' for none.
    """

    base: str
    source: IdTokenSource | None
    no_source: str
    given: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model comes from: from `studio`; if that is None, from the Git repository itself.

    `reason` says why, for the log.
    """

    studio: Studio | None
    reason: str


def read_source(inputs: Inputs, job: Job) -> Source:
    """Read inputs `source`, `studio-url`, `token` and `token-file`."""
    reason = source_reason(inputs)
    if read_source_name(inputs) == "git":
        return Source(None, reason)
    try:
        return Source(read_studio(inputs, job), reason)
    except BadInput as error:
        raise BadInput(error.message, ". ".join(filter(None, (error.hint, reason)))) from error


def read_source_name(inputs: Inputs) -> SourceName:
    """Read input `source`; `auto` is Studio if a token or a URL of it was given, else Git."""
    source = parsers.choice(inputs["source"])
    if source == "auto":
        return "studio" if _studio_given(inputs) else "git"
    return cast(SourceName, source)


def source_reason(inputs: Inputs) -> str:
    """Return which source is used, and why, for the log."""
    if parsers.choice(inputs["source"]) != "auto":
        return f"Source {inputs['source'].text}, as requested"
    if given := _studio_given(inputs):
        return f"Source studio, because {given} was given"
    return "Source git, because neither a token nor a studio-url was given"


def read_studio(inputs: Inputs, job: Job) -> Studio:
    """Read inputs `studio-url`, `token`, `token-file` and `id-token`."""
    base = read_base(inputs)
    return Studio(base, _credential(inputs, job, base))


def read_base(inputs: Inputs) -> str:
    """Read input `studio-url`; return it with a final slash and without `/api`."""
    return _base(inputs["studio-url"])


def read_keyless(inputs: Inputs, job: Job) -> Keyless:
    """Read inputs `studio-url`, `id-token`, `token` and `token-file`, which stays closed."""
    base = read_base(inputs)
    if not keeps_secrets(base):
        raise inputs["studio-url"].refuse("is not https", "ID tokens are sent over https only")
    given = next((name for name in ("token", "token-file") if inputs[name].given), "")
    return Keyless(base, read_id_token_source(inputs, job), _no_source(job), given)


def read_id_token_source(inputs: Inputs, job: Job) -> IdTokenSource | None:
    """Read input `id-token`; without it, return where the job has ID tokens from, if it has any."""
    given = inputs["id-token"]
    if given.text:
        origin = f"input {given.name} (from {given.origin})"
        return GivenIdToken.parse(given.text, origin, chosen=True)
    return id_token_source(job, inputs.environ)


def _studio_given(inputs: Inputs) -> str:
    names = ("token", "token-file", "studio-url")
    return next((f"input {name}" for name in names if inputs[name].given), "")


def _base(url: Value) -> str:
    """Return the base URL, with a final slash and without `/api`: a sub-path survives joining."""
    parts = urlsplit(url.text) if url.text.isprintable() else urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in url.text:
        raise BadInput(
            f"input studio-url is not an http(s) URL (from {url.origin})",
            "Write it whole, e.g. https://studio.example.org",
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise BadInput(
            "input studio-url has user info, a query or a fragment",
            "Give the token as token, and the URL without it",
        )
    path = parts.path.rstrip("/").removesuffix("/api").rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, path + "/", "", ""))


def _is_self_hosted(base: str) -> bool:
    return urlsplit(base).hostname != urlsplit(SERVICE).hostname


def _credential(inputs: Inputs, job: Job, base: str) -> Credential:
    token = _token(inputs)
    if token:
        return Token(token)
    if _is_self_hosted(base) and keeps_secrets(base):
        source = read_id_token_source(inputs, job)
        if source:
            return source
    raise BadInput("input token is missing", _no_credential_hint(inputs, job, base))


def _token(inputs: Inputs) -> str:
    """Return the token that was given; '' for none."""
    file = inputs["token-file"]
    if file.origin == "option" or not inputs["token"].text:
        token = parsers.file_text(file).strip() if file.text else ""
    else:
        token = inputs["token"].text
    if token and not _HEADER_SAFE.fullmatch(token):
        raise BadInput(
            "input token has a space, a line break or another character that no token has",
            "Copy it again, without quotes and without the word 'token'",
        )
    return token


def _no_credential_hint(inputs: Inputs, job: Job, base: str) -> str:
    """Return what to do where there is neither a token nor an ID token."""
    keyless = _no_id_token_hint(inputs, job, base)
    if job.is_pull_request:
        token = (
            "Runs for pull requests from forks get no secrets: run it on push or on a tag instead"
        )
        return f"{keyless}. {token}" if keyless else token
    token = no_token_hint(job) or ("Set DVC_STUDIO_TOKEN in the environment, or give --token-file")
    return f"{keyless}. Or {token[0].lower()}{token[1:]}" if keyless else token


def _no_id_token_hint(inputs: Inputs, job: Job, base: str) -> str:
    """Return why there is no ID token; '' where none can be of use."""
    if not _is_self_hosted(base):
        given = inputs["id-token"].given
        return "Input id-token is for self-hosted servers: set studio-url" if given else ""
    if not keeps_secrets(base):
        return "ID tokens are sent over https only, and studio-url is http"
    return _no_source(job)


def _no_source(job: Job) -> str:
    anywhere = "Set STUDIO_ID_TOKEN to an ID token of the job, if the server takes them"
    return no_id_token_hint(job) or anywhere
