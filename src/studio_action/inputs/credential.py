"""What a job shows to Studio: a token or, to a self-hosted server, an ID token."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from studio_action.ci.id_token import GivenIdToken, IdTokenSource
from studio_action.ci.job import Job
from studio_action.ci.platforms import id_token_source, no_id_token_hint, no_token_hint
from studio_action.errors import BadInput
from studio_action.inputs import parsers
from studio_action.inputs.lookup import Inputs
from studio_action.inputs.table import SERVICE
from studio_action.net.origin import keeps_secrets

_HEADER_SAFE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was given."""

    text: str = field(repr=False)


Credential = Token | IdTokenSource
"""A token or, for a self-hosted server, where the job gets the ID token that is exchanged for one.
"""


def read_credential(inputs: Inputs, job: Job, base: str) -> Credential:
    """Read inputs `token` and `token-file`; without them, `id-token` for a self-hosted server.

    Raises `BadInput` if there is neither, with the ways to get one.
    """
    token = _token(inputs)
    if token:
        return Token(token)
    if is_self_hosted(base) and keeps_secrets(base):
        source = read_id_token_source(inputs, job)
        if source:
            return source
    raise BadInput("input token is missing", _no_credential_hint(inputs, job, base))


def read_id_token_source(inputs: Inputs, job: Job) -> IdTokenSource | None:
    """Read input `id-token`; without it, return where the job has ID tokens from, if it has any."""
    given = inputs["id-token"]
    if given.text:
        origin = f"input {given.name} (from {given.origin})"
        return GivenIdToken.parse(given.text, origin, chosen=True)
    return id_token_source(job, inputs.environ)


def is_self_hosted(base: str) -> bool:
    """Return whether `base` is not the public service."""
    return urlsplit(base).hostname != urlsplit(SERVICE).hostname


def no_source_hint(job: Job) -> str:
    """Return what to do in a job that has no ID tokens."""
    anywhere = "Set STUDIO_ID_TOKEN to an ID token of the job, if the server takes them"
    return no_id_token_hint(job) or anywhere


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
    if not is_self_hosted(base):
        given = inputs["id-token"].given
        return "Input id-token is for self-hosted servers: set studio-url" if given else ""
    if not keeps_secrets(base):
        return "ID tokens are sent over https only, and studio-url is http"
    return no_source_hint(job)
