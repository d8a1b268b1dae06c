"""The DVC Studio REST API: what is sent, and what an answer means. Pure.

Two endpoints are as the API's documents describe them. Error bodies are not documented, so all the
shapes of Django REST framework and django-ninja are read, and an HTML page is recognised.
The others, `resolve` and `models`, only our own server has; `resolve.py` reads the first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn
from urllib.parse import urlsplit

from studio_action.errors import (
    BadInput,
    NoSuchModel,
    ObjectMissing,
    StudioActionError,
    TokenRefused,
    UnexpectedAnswer,
    Unreachable,
)
from studio_action.model.artifact import ArtifactRef, AtStage, AtVersion, Latest, Selector
from studio_action.model.paths import check_path, find_clash
from studio_action.model.versions import InRange
from studio_action.net import bounded_json
from studio_action.text import has_hidden_characters, printable, redact

DOWNLOAD_URIS = "api/model-registry/get-download-uris"
CREATE_PROJECT = "api/create-project"
RESOLVE = "api/model-registry/resolve"
MODELS = "api/model-registry/models"
EXTENSION_HEADER = "Studio-Action"
"""The header, `1`, by which a server says that it has `RESOLVE`: every answer of its API has it."""

_SCOPES = {
    DOWNLOAD_URIS: "'Model Registry operations'",
    RESOLVE: "'Model Registry operations'",
    MODELS: "'Model Registry operations'",
    CREATE_PROJECT: "'Admin operations' (earlier documents: PROJECT)",
}
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_REASON_LIMIT = 300
_LONGEST_URL = 16 << 10
"""Characters; a URL that S3 signs for a session has 2,000."""
_LONGEST_TEXT = 5000
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")

MOST_FILES = 500_000
"""Of one model."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from one endpoint; `url` is where it came from, fit to be shown.

    `extended` if it has the header `EXTENSION_HEADER`.
    """

    endpoint: str
    url: str
    status: int
    body: bytes = field(repr=False)
    extended: bool = False

    @property
    def document(self) -> Any:
        """Return the body as JSON; None if it is none, or is nested too deep."""
        try:
            return bounded_json.read(self.body)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class NewProject:
    """The project to create; a field that is empty is left to Studio."""

    repo_url: str
    name: str = ""
    team_name: str = ""
    subdir: str = ""
    public: bool = False

    @property
    def body(self) -> dict[str, str | bool]:
        """Return the JSON to post."""
        optional = {"name": self.name, "team_name": self.team_name, "subdir": self.subdir}
        given: dict[str, str | bool] = {key: text for key, text in optional.items() if text}
        return {"repo_url": self.repo_url, "public": self.public, **given}


@dataclass(frozen=True, slots=True)
class Project:
    """A project as Studio lists it."""

    id: str
    url: str
    name: str


def download_uris_query(artifact: ArtifactRef, selector: Selector) -> dict[str, str]:
    """Return the query of `GET api/model-registry/get-download-uris`; raise `BadInput`."""
    query = {"repo": artifact.repository, "name": str(artifact.model)}
    match selector:
        case AtVersion(version):
            return {**query, "version": version}
        case AtStage(stage):
            return {**query, "stage": stage}
        case Latest():
            return query
        case InRange():
            raise BadInput(
                f"Studio's API takes no range, as in {selector}", "Name one version, or a stage"
            )


def read_download_uris(answer: Answer, requested: str) -> dict[str, str]:
    """Return signed URLs by path in the repository; `requested` describes the request in words.

    Raises what `refuse` raises, and `UnexpectedAnswer` for a document of another shape.
    """
    if answer.status != 200:
        refuse(answer, requested)
    uris = answer.document
    if not isinstance(uris, dict) or not uris:
        raise unexpected_answer(answer, "no JSON object of paths and URLs")
    check_paths(answer, uris)
    for path, url in uris.items():
        if not isinstance(url, str) or not fetchable(url):
            raise unexpected_answer(answer, f"no http(s) URL for {printable(path, 200)!r}")
    return uris


def check_paths(answer: Answer, paths: Collection[str]) -> None:
    """Raise `UnexpectedAnswer` for paths that cannot be, all of them, a model's files."""
    if len(paths) > MOST_FILES:
        raise unexpected_answer(answer, f"{len(paths)} files, more than {MOST_FILES}")
    for path in paths:
        check_path(path)
        check_text(answer, "a path that", path)
    pair = find_clash(paths)
    if pair:
        raise unexpected_answer(
            answer, f"two paths that cannot both be files: {pair[0]!r} and {pair[1]!r}"
        )


def check_text(answer: Answer, name: str, text: str) -> None:
    """Raise `UnexpectedAnswer` for text that cannot be shown as it is; `name` says what it is."""
    if has_hidden_characters(text) or len(text) > _LONGEST_TEXT:
        raise unexpected_answer(answer, f"{name} is not printable, or is longer than any")


def read_model_names(answer: Answer, repository: str) -> list[str]:
    """Return the names of all models of the repository, fit to be shown."""
    if answer.status != 200:
        refuse(answer, f"the models of {repository}")
    document = answer.document
    rows = document.get("models") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise unexpected_answer(answer, "no JSON list of models")
    names = [row.get("name") if isinstance(row, dict) else None for row in rows]
    return [printable(name, 200) for name in names if isinstance(name, str)]


def read_projects(answer: Answer, requested: str) -> list[Project]:
    """Return the projects that were created: at least one."""
    if answer.status not in (200, 201):
        refuse(answer, requested)
    document = answer.document
    rows = document.get("projects") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not rows:
        raise unexpected_answer(answer, "no JSON list of projects")
    return [_project(answer, row) for row in rows]


def _project(answer: Answer, row: object) -> Project:
    match row:
        case {"id": str(id), "url": str(url), "name": str(name)} if id and name:
            if not fetchable(url):
                raise unexpected_answer(answer, "a project whose URL is not http(s)")
            for what, text in (("id", id), ("name", name)):
                check_text(answer, f"a project whose {what}", text)
            return Project(id, url, name)
    raise unexpected_answer(answer, "a project without id, url and name")


def fetchable(url: str) -> bool:
    """Return whether `url` is a whole http(s) URL of a sensible length, without user info."""
    if len(url) > _LONGEST_URL or not url.isprintable() or " " in url:
        return False
    origin = _ORIGIN.match(url)
    return origin is not None and _is_server(origin[0])


@lru_cache
def _is_server(origin: str) -> bool:
    """Return whether `origin`, a URL's scheme and authority, names a server and nobody."""
    try:
        parts = urlsplit(origin)
        named = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
        return parts.scheme in ("http", "https") and named
    except ValueError:
        return False


def refuse(answer: Answer, requested: str) -> NoReturn:
    """Raise the error for the answer's status; `requested` describes the request in words."""
    reason = reason_in(answer)
    said = f"Studio answered {answer.status} for {requested}" + (f": {reason}" if reason else "")
    if answer.status == 404 and answer.extended and reason:
        raise NoSuchModel(reason)  # the whole sentence: which name is wrong, and which ones exist
    if answer.status == 404 and isinstance(answer.document, dict | list):
        said = f"{requested} not found (Studio answered 404{f': {reason}' if reason else ''})"
    raise _refusal(answer, said)


def _refusal(answer: Answer, said: str) -> StudioActionError:
    """Return the error for the answer's status. No other place turns a status into an error."""
    structured = isinstance(answer.document, (dict, list))
    match answer.status:
        case 401 | 403:
            scope = _SCOPES[answer.endpoint]
            return TokenRefused(
                said,
                f"The token was rejected or lacks the scope {scope}: check that it is whole, has"
                " not expired, and belongs to a user or team that sees this repository",
            )
        case 404 if structured:
            return NoSuchModel(
                said,
                "Check the names; the repository must be connected to Studio, and the model"
                " registered with that version or stage",
            )
        case 404:
            return UnexpectedAnswer(
                f"{said}: {answer.url} is not the API", "Check studio-url and its sub-path"
            )
        case 409 if answer.extended:
            return ObjectMissing(said, "Correct the repository, or its storage, as the server says")
        case 429 | 408 | 425:
            return Unreachable(said, "Too many requests; try again later")
        case status if status >= 500:
            return Unreachable(said, "Try again later; see Studio's status page")
        case status if status >= 400 and structured:
            return BadInput(said, "Correct the input named above")
    return UnexpectedAnswer(said, "Check studio-url, and that no proxy or login page is in between")


def unexpected_answer(answer: Answer, what: str) -> UnexpectedAnswer:
    """Return the error for an answer that is not the API's: `what` came instead."""
    page = _title(answer.body)
    return UnexpectedAnswer(
        f"Studio answered {answer.status} with {what}"
        + (f", an HTML page with the title {page!r}" if page else ""),
        f"Is {redact(answer.url)} the API? Check studio-url, and proxies and login pages between",
    )


def reason_in(answer: Answer) -> str:
    """Return the reason in the answer's body, as one line that is safe to show; '' for none."""
    document = answer.document
    if document is None:
        return _title(answer.body)
    return printable("; ".join(_reasons(document)), _REASON_LIMIT)


def _title(body: bytes) -> str:
    title = _TITLE.search(body[:65536])
    return printable(title[1].decode("utf-8", "replace"), _REASON_LIMIT) if title else ""


def _reasons(document: object) -> Iterator[str]:
    """Yield the texts of `detail`, `message`, field lists and django-ninja's `{loc, msg}`."""
    match document:
        case str():
            yield document
        case list():
            for each in document:
                yield from _reasons(each)
        case {"loc": list(where), "msg": str(text)}:
            yield f"{'.'.join(map(str, where))}: {text}"
        case {"detail": inner} | {"message": inner} | {"non_field_errors": inner}:
            yield from _reasons(inner)
        case dict():
            for name, inner in document.items():
                yield from (f"{name}: {text}" for text in _reasons(inner))
