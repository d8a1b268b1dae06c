"""Parses the queries and bodies of requests. Pure.

All errors are collected by field, with the messages of Django REST framework; like it, this ignores
unknown parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from json import JSONDecodeError
from typing import TypeVar, get_args
from urllib.parse import parse_qsl

from studio_action.errors import BadInput
from studio_action.gitrepo.gto.history import Prerelease
from studio_action.model.artifact import (
    AtStage,
    AtVersion,
    Latest,
    ModelName,
    Selector,
    version_or_range,
)
from studio_action.model.repository_url import RepositoryUrl
from studio_action.net import bounded_json
from studio_action.server.api.responses import field_errors, refused
from studio_action.studio.api import NewProject

LONGEST = {
    "repo": 2000,
    "name": 1000,
    "version": 200,
    "stage": 255,
    "prerelease": 10,
    "repo_url": 2000,
    "team_name": 100,
    "subdir": 255,
}
"""The most characters of each field; a project's `name` may have `LONGEST_TITLE`."""
LONGEST_TITLE = 100

PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
SUBDIR = rf"{PART}(/{PART})*/?"
TITLE = r"[^\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]*"
"""A project's name: no invisible characters, and none that reverse text."""

_REQUIRED = "This field is required."
_BLANK = "This field may not be blank."
_NULL = "This field may not be null."
_TWICE = "This field was given more than once."
_MOST_FIELDS = 100

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A request for a version of a model in a repository."""

    repository: RepositoryUrl
    name: ModelName
    selector: Selector
    prerelease: Prerelease = "include"


def parse_model_request(query: bytes, *, ranges: bool) -> ModelRequest:
    """Return the request in a query; raise `ApiError` (400) with all errors by field.

    `ranges` allows ranges of versions and `prerelease`, which DVC Studio's API does not have.
    """
    fields = _Fields.from_query(query)
    repository = fields.required("repo", RepositoryUrl.parse)
    name = fields.required("name", ModelName.parse)
    version = fields.optional("version", version_or_range if ranges else AtVersion.parse)
    stage = fields.optional("stage", AtStage.parse)
    prerelease = fields.optional("prerelease", _prerelease) if ranges else None
    if fields.has_text("version") and fields.has_text("stage"):
        fields.add_error("non_field_errors", "Give a version or a stage, not both.")
    repository, name = fields.validated(repository), fields.validated(name)
    return ModelRequest(repository, name, version or stage or Latest(), prerelease or "include")


def parse_repository_request(query: bytes) -> RepositoryUrl:
    """Return the repository in a query; raise `ApiError` (400) if it is missing or malformed."""
    fields = _Fields.from_query(query)
    return fields.validated(fields.required("repo", RepositoryUrl.parse))


def parse_project_request(content_type: str, body: bytes) -> NewProject:
    """Return the project in a body; raise `ApiError`: 400, or 415 if it is not JSON."""
    document = json_object(content_type, body)
    fields = _Fields({})
    public = document.get("public", False)
    if not isinstance(public, bool):
        fields.add_error("public", "Must be a valid boolean.")
    for name in ("repo_url", "name", "team_name", "subdir"):
        fields.read_text(name, document)
    repository = fields.required("repo_url", RepositoryUrl.parse)
    title = fields.optional("name", _title)
    team = fields.optional("team_name", _team)
    subdir = fields.optional("subdir", _subdir)
    address = str(fields.validated(repository))
    return NewProject(address, title or "", team or "", subdir or "", public is True)


def json_object(content_type: str, body: bytes) -> Mapping[str, object]:
    """Return the JSON object in a body, an empty one if the body is empty.

    Raise `ApiError`: 415 if `content_type` is not JSON, 400 if the body is not a JSON object.
    """
    if not body:
        return {}
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise refused(415, f'Unsupported media type "{content_type}" in request.')
    try:
        document = bounded_json.read(body)
    except ValueError as error:
        fault = str(error) if isinstance(error, JSONDecodeError) else "not JSON in UTF-8"
        raise refused(400, f"JSON parse error - {fault}") from None
    if not isinstance(document, dict):
        kind = type(document).__name__
        fault = f"Invalid data. Expected a dictionary, but got {kind}."
        raise field_errors({"non_field_errors": [fault]})
    return document


class _Fields:
    """The texts of a request by field, and the errors found in them."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts
        self._errors: dict[str, list[str]] = {}

    @classmethod
    def from_query(cls, query: bytes) -> _Fields:
        """Return the fields of a URL's query."""
        try:
            pairs = parse_qsl(
                query.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_MOST_FIELDS,
            )
        except ValueError:
            raise refused(400, "The query is not a list of parameters in UTF-8.") from None
        fields = cls(dict(pairs))
        for name in LONGEST:
            if sum(name == each for each, _ in pairs) > 1:
                fields.add_error(name, _TWICE)
        return fields

    def read_text(self, name: str, document: Mapping[str, object]) -> None:
        """Take over the text of a document's field; add an error if it is not a text."""
        value = document.get(name, "")
        if isinstance(value, str):
            if name in document:
                self._texts[name] = value
        else:
            self.add_error(name, _NULL if value is None else "Not a valid string.")

    def add_error(self, name: str, message: str) -> None:
        """Add an error message for a field."""
        self._errors.setdefault(name, []).append(message)

    def has_text(self, name: str) -> bool:
        """Return whether the field is there and not empty."""
        return bool(self._texts.get(name))

    def required(self, name: str, parse: Callable[[str], Value]) -> Value | None:
        """Return the parsed field; add an error and return None if it is missing or wrong."""
        if not self.has_text(name) and name not in self._errors:
            self.add_error(name, _BLANK if name in self._texts else _REQUIRED)
        return self.optional(name, parse)

    def optional(self, name: str, parse: Callable[[str], Value]) -> Value | None:
        """Return the parsed field, None if it is missing; add an error and return None if wrong."""
        text = self._texts.get(name, "")
        if not text or name in self._errors:
            return None
        if "\0" in text:
            self.add_error(name, "Null characters are not allowed.")
        elif len(text) > LONGEST[name]:
            self.add_error(name, f"Ensure this field has no more than {LONGEST[name]} characters.")
        else:
            try:
                return parse(text)
            except BadInput as error:
                self.add_error(name, str(error))
        return None

    def validated(self, value: Value | None) -> Value:
        """Return `value`; raise `ApiError` (400) with all errors if any field has one."""
        if self._errors or value is None:
            raise field_errors(self._errors)
        return value


def _prerelease(text: str) -> Prerelease:
    for choice in get_args(Prerelease):
        if text == choice:
            known: Prerelease = choice
            return known
    raise BadInput(f'"{text}" is not a valid choice.')


def _title(text: str) -> str:
    if not re.fullmatch(TITLE, text):
        raise BadInput("Enter a name on one line.")
    if len(text) > LONGEST_TITLE:
        raise BadInput(f"Ensure this field has no more than {LONGEST_TITLE} characters.")
    return text.strip()


def _team(text: str) -> str:
    if not re.fullmatch(PART, text):
        raise BadInput("Enter the name of a team.")
    return text


def _subdir(text: str) -> str:
    if not re.fullmatch(SUBDIR, text):
        raise BadInput("Enter a folder's path, relative to the repository's root.")
    return text.rstrip("/")
