"""Where models come from: which Studio, with which credential, or the Git repository itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit, urlunsplit

from studio_action.ci.id_token import IdTokenSource
from studio_action.ci.job import Job
from studio_action.errors import BadInput
from studio_action.inputs import parsers
from studio_action.inputs.credential import (
    Credential,
    is_self_hosted,
    no_source_hint,
    read_credential,
    read_id_token_source,
)
from studio_action.inputs.lookup import Inputs, Value
from studio_action.model.artifact import SourceName
from studio_action.net.origin import keeps_secrets

_NAMES: dict[SourceName, str] = {"studio": "Studio", "git": "Git"}


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
        return is_self_hosted(self.base)


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
    source = parsers.choice(inputs["source"])
    if source != "auto":
        return f"Using {_NAMES[cast(SourceName, source)]} (source: {source})"
    if given := _studio_given(inputs):
        return f"Using Studio ({_origin(given)})"
    return "Using Git (no token and no studio-url given)"


def read_studio(inputs: Inputs, job: Job) -> Studio:
    """Read inputs `studio-url`, `token`, `token-file` and `id-token`."""
    base = read_base(inputs)
    return Studio(base, read_credential(inputs, job, base))


def read_base(inputs: Inputs) -> str:
    """Read input `studio-url`; return it with a final slash and without `/api`."""
    return _base(inputs["studio-url"])


def read_keyless(inputs: Inputs, job: Job) -> Keyless:
    """Read inputs `studio-url`, `id-token`, `token` and `token-file`, which stays closed."""
    base = read_base(inputs)
    if not keeps_secrets(base):
        raise inputs["studio-url"].refuse("is not https", "ID tokens are sent over https only")
    given = next((name for name in ("token", "token-file") if inputs[name].given), "")
    return Keyless(base, read_id_token_source(inputs, job), no_source_hint(job), given)


def _studio_given(inputs: Inputs) -> Value | None:
    values = (inputs[name] for name in ("token", "token-file", "studio-url"))
    return next((value for value in values if value.given), None)


def _origin(given: Value) -> str:
    return f"--{given.name}" if given.origin == "option" else f"{given.name} from {given.origin}"


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
