"""What a request asks for, read from its query or its body. Pure.

Whatever is wrong is told for each field, as Django REST framework tells it; parameters that are not
known are ignored, as it does.
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
from studio_action.server.api.answers import refused, wrong_fields
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
"""Characters of each field; of a project, `name` has `LONGEST_TITLE`."""
LONGEST_TITLE = 100

PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
SUBDIR = rf"{PART}(/{PART})*/?"
TITLE = r"[^\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]*"
"""What a project's name is made of: nothing that hides, or that turns text around."""

_REQUIRED = "This field is required."
_BLANK = "This field may not be blank."
_NULL = "This field may not be null."
_TWICE = "This field was given more than once."
_MOST_FIELDS = 100

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ModelQuestion:
    """Which version of which model of which repository is asked for."""

    repository: RepositoryUrl
    name: ModelName
    selector: Selector
    prerelease: Prerelease = "include"


def model_question(query: bytes, *, ranges: bool) -> ModelQuestion:
    """What a query asks for; `ranges` of versions and `prerelease` are ours, not the API's.

    Raises `Refused` with every fault.
    """
    fields = _Fields.of_query(query)
    repository = fields.required("repo", RepositoryUrl.parse)
    name = fields.required("name", ModelName.parse)
    version = fields.optional("version", version_or_range if ranges else AtVersion.parse)
    stage = fields.optional("stage", AtStage.parse)
    prerelease = fields.optional("prerelease", _prerelease) if ranges else None
    if fields.given("version") and fields.given("stage"):
        fields.fault("non_field_errors", "Give a version or a stage, not both.")
    repository, name = fields.checked(repository), fields.checked(name)
    return ModelQuestion(repository, name, version or stage or Latest(), prerelease or "include")


def repository_question(query: bytes) -> RepositoryUrl:
    """The repository that a query names; raises `Refused`."""
    fields = _Fields.of_query(query)
    return fields.checked(fields.required("repo", RepositoryUrl.parse))


def project_question(content_type: str, body: bytes) -> NewProject:
    """Return the project that a body describes; raise `Refused`: 400, or 415 if it is not JSON."""
    document = json_object(content_type, body)
    fields = _Fields({})
    public = document.get("public", False)
    if not isinstance(public, bool):
        fields.fault("public", "Must be a valid boolean.")
    for name in ("repo_url", "name", "team_name", "subdir"):
        fields.take(name, document)
    repository = fields.required("repo_url", RepositoryUrl.parse)
    title = fields.optional("name", _title)
    team = fields.optional("team_name", _team)
    subdir = fields.optional("subdir", _subdir)
    address = fields.checked(repository).sent
    return NewProject(address, title or "", team or "", subdir or "", public is True)


def json_object(content_type: str, body: bytes) -> Mapping[str, object]:
    """The body, a JSON object; raises `Refused`: 415 for another type, 400 for another form.

    No body at all is an object without anything.
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
        raise wrong_fields({"non_field_errors": [fault]})
    return document


class _Fields:
    """Texts by field, and what is wrong with them."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts
        self._faults: dict[str, list[str]] = {}

    @classmethod
    def of_query(cls, query: bytes) -> _Fields:
        """The parameters of a URL's query."""
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
                fields.fault(name, _TWICE)
        return fields

    def take(self, name: str, document: Mapping[str, object]) -> None:
        """Have the text that a document's `name` is; null and another kind are faults."""
        value = document.get(name, "")
        if isinstance(value, str):
            if name in document:
                self._texts[name] = value
        else:
            self.fault(name, _NULL if value is None else "Not a valid string.")

    def fault(self, name: str, text: str) -> None:
        self._faults.setdefault(name, []).append(text)

    def given(self, name: str) -> bool:
        return bool(self._texts.get(name))

    def required(self, name: str, read: Callable[[str], Value]) -> Value | None:
        """What the field says; None where it is at fault."""
        if not self.given(name) and name not in self._faults:
            self.fault(name, _BLANK if name in self._texts else _REQUIRED)
        return self.optional(name, read)

    def optional(self, name: str, read: Callable[[str], Value]) -> Value | None:
        """What the field says; None where it says nothing, or is at fault."""
        text = self._texts.get(name, "")
        if not text or name in self._faults:
            return None
        if "\0" in text:
            self.fault(name, "Null characters are not allowed.")
        elif len(text) > LONGEST[name]:
            self.fault(name, f"Ensure this field has no more than {LONGEST[name]} characters.")
        else:
            try:
                return read(text)
            except BadInput as error:
                self.fault(name, str(error))
        return None

    def checked(self, value: Value | None) -> Value:
        """`value`, which a field without fault has; raises `Refused` if any field has one."""
        if self._faults or value is None:
            raise wrong_fields(self._faults)
        return value


def _prerelease(text: str) -> Prerelease:
    for choice in get_args(Prerelease):
        if text == choice:
            found: Prerelease = choice
            return found
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
