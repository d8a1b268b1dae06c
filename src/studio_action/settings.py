"""What the inputs of one run mean, as frozen values.

Everything wrong is refused here, before anything is sent; the error names the input and where its
value came from. Pure, but for the file that `token-file` names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import cast
from urllib.parse import urlsplit, urlunsplit

from studio_action import values
from studio_action.api import NewProject
from studio_action.ci.job import Job
from studio_action.clock import Deadline, Limits
from studio_action.download.base import Verify
from studio_action.download.plan import Layout
from studio_action.errors import BadInput
from studio_action.inputs import Inputs, Value
from studio_action.question import Origin, read_repository

MOST_CONNECTIONS = 256

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HEADER_SAFE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Trust:
    """Authorities besides or, as the environment's own variables mean it, instead of the system's.

    `pem` is the path of a PEM file, or PEM text; empty for the system's own.
    """

    pem: str
    instead: bool


@dataclass(frozen=True, slots=True)
class Reports:
    """Files for the outputs, besides the CI system's own."""

    json: PurePath | None
    env: PurePath | None


@dataclass(frozen=True, slots=True)
class Studio:
    """Where Studio is, with a final slash, and the token it wants."""

    base: str
    token: str = field(repr=False)

    @property
    def unsafe(self) -> bool:
        """Whether the token would cross a network unencrypted."""
        parts = urlsplit(self.base)
        return parts.scheme == "http" and parts.hostname not in _LOOPBACK

    @property
    def own(self) -> bool:
        """Whether it is a server of one's own, not the service that everybody can use."""
        service = Inputs({}, {})["studio-url"].text
        return urlsplit(self.base).hostname != urlsplit(service).hostname


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the files are to come into the workspace."""

    dest: PurePath
    layout: Layout
    overwrite: bool
    verify: Verify
    connections: int
    cache_dir: PurePath | None = None


def read_limits(inputs: Inputs) -> Limits:
    """Inputs `timeout`, `retries` and `deadline`, which begins to count here."""
    deadline = inputs["deadline"]
    return Limits(
        values.seconds(inputs["timeout"]),
        values.count(inputs["retries"], 0, 100),
        Deadline(values.seconds(deadline) if deadline.text else None),
    )


def read_trust(inputs: Inputs) -> Trust:
    """Input `ca-bundle`."""
    bundle = inputs["ca-bundle"]
    return Trust(bundle.text, instead=bundle.origin in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"))


def read_reports(inputs: Inputs) -> Reports:
    """Inputs `output-json` and `output-env`."""
    return Reports(_path(inputs["output-json"]), _path(inputs["output-env"]))


def read_studio(inputs: Inputs, job: Job) -> Studio:
    """Inputs `studio-url`, `token` and `token-file`."""
    return Studio(_base(inputs["studio-url"]), _token(inputs, job))


def read_delivery(inputs: Inputs) -> Delivery:
    """Inputs `dest`, `layout`, `overwrite`, `verify`, `connections` and `cache-dir`."""
    return Delivery(
        PurePath(inputs["dest"].text),
        cast(Layout, values.choice(inputs["layout"])),
        values.flag(inputs["overwrite"]),
        cast(Verify, values.choice(inputs["verify"])),
        values.count(inputs["connections"], 1, MOST_CONNECTIONS),
        _path(inputs["cache-dir"]),
    )


def read_new_project(inputs: Inputs, job: Job, origin: Origin) -> NewProject:
    """Inputs `repo`, `project-name`, `team-name`, `subdir` and `public`."""
    return NewProject(
        read_repository(inputs, job, origin).clone_url(job.server),
        values.one_line(inputs["project-name"]),
        values.one_line(inputs["team-name"]),
        _subdir(inputs["subdir"]),
        values.flag(inputs["public"]),
    )


def _base(url: Value) -> str:
    """The base URL with a final slash and without `/api`, so that a sub-path survives joining."""
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
        token = _token_in(file) if file.text else ""
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


def _token_in(file: Value) -> str:
    try:
        return Path(file.text).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise file.refuse(f"cannot be read: {reason}") from error


def _no_token_hint(job: Job) -> str:
    if job.is_pull_request:
        return (
            "Runs for pull requests from forks get no secrets: run it on push or on a tag instead"
        )
    match job.system:
        case "github":
            return "Add `token: ${{ secrets.DVC_STUDIO_TOKEN }}`, and that secret to the repository"
        case "gitlab":
            return (
                "Add a masked CI/CD variable DVC_STUDIO_TOKEN; a protected one reaches only"
                " protected branches and tags"
            )
    return "Set DVC_STUDIO_TOKEN in the environment, or give --token-file"


def _path(value: Value) -> PurePath | None:
    return PurePath(value.text) if value.text else None


def _subdir(value: Value) -> str:
    subdir = values.one_line(value).rstrip("/")
    if subdir.startswith("/") or "\\" in subdir or ".." in subdir.split("/"):
        raise value.refuse("is not a folder of the repository", "Write it relative to its root")
    return subdir
