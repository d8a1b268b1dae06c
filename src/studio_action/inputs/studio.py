"""Where models come from: which Studio, with which token, or the Git repository itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit, urlunsplit

from studio_action.ci.job import Job
from studio_action.ci.platforms import no_token_hint
from studio_action.errors import BadInput
from studio_action.inputs import parsers
from studio_action.inputs.lookup import Inputs, Value
from studio_action.inputs.table import SERVICE
from studio_action.model.artifact import SourceName

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HEADER_SAFE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Studio:
    """The base URL of a Studio, with a final slash, and the token that it wants."""

    base: str
    token: str = field(repr=False)

    @property
    def is_unencrypted(self) -> bool:
        """Return whether the token would cross a network unencrypted."""
        parts = urlsplit(self.base)
        return parts.scheme == "http" and parts.hostname not in _LOOPBACK

    @property
    def is_self_hosted(self) -> bool:
        """Return whether this is not the public service, so that it may be our own server."""
        return urlsplit(self.base).hostname != urlsplit(SERVICE).hostname


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
    """Read inputs `studio-url`, `token` and `token-file`."""
    return Studio(_base(inputs["studio-url"]), _token(inputs, job))


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


def _token(inputs: Inputs, job: Job) -> str:
    file = inputs["token-file"]
    if file.origin == "option" or not inputs["token"].text:
        token = parsers.file_text(file).strip() if file.text else ""
    else:
        token = inputs["token"].text
    if not token:
        raise BadInput("input token is missing", _no_token_hint(job))
    if not _HEADER_SAFE.fullmatch(token):
        raise BadInput(
            "input token has a space, a line break or another character that no token has",
            "Copy it again, without quotes and without the word 'token'",
        )
    return token


def _no_token_hint(job: Job) -> str:
    if job.is_pull_request:
        return (
            "Runs for pull requests from forks get no secrets: run it on push or on a tag instead"
        )
    anywhere = "Set DVC_STUDIO_TOKEN in the environment, or give --token-file"
    return no_token_hint(job) or anywhere
