"""The JSON documents of the API: pydantic models, of which the OpenAPI document is made. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, RootModel, WithJsonSchema

from studio_action.gitrepo.gto.history import Prerelease
from studio_action.server.api.parameters import LONGEST, LONGEST_TITLE, PART, SUBDIR, TITLE

_NAME = r"[A-Za-z0-9]([A-Za-z0-9/_-]*[A-Za-z0-9])?"
_NUMBER = r"(0|[1-9][0-9]{0,8})"
_VERSION = rf"v{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-[a-zA-Z][0-9a-zA-Z]*)?(\+[0-9a-zA-Z]+)?"
_REPOSITORY = (
    rf"{PART}/{PART}|git@[a-z0-9][a-z0-9.-]*:{PART}(/{PART})*"
    rf"|(https?|ssh)://(git@)?[a-z0-9][a-z0-9.-]*(:[1-9][0-9]{{0,3}})?/{PART}(/{PART})*"
)
_COMPARATOR = rf"([\^~]|[<>=]=|[<>])?{_NUMBER}(\.{_NUMBER}(\.{_NUMBER})?)?"


def _nullable(kind: str, description: str) -> WithJsonSchema:
    """A value that may be null, as OpenAPI 3.0 says it."""
    return WithJsonSchema({"type": kind, "nullable": True, "description": description})


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class Detail(_Document):
    """Why a request was not answered."""

    detail: str


class FieldFaults(RootModel[dict[str, list[str]]]):
    """What is wrong with each field; `non_field_errors` is for several together."""


class DownloadUris(RootModel[dict[str, str]]):
    """A URL to GET, good for an hour and without the token, for each file's path."""


class ResolvedFile(_Document):
    """One file of a model version."""

    path: Annotated[str, Field(description="In the repository.")]
    url: Annotated[str, Field(description="Good for an hour; to GET without the token.")]
    size: Annotated[int | None, _nullable("integer", "In bytes, where it is known.")]
    digest: Annotated[str | None, _nullable("string", "DVC's, such as `md5:0a1b…`, if known.")]
    executable: bool


class Resolved(_Document):
    """What a question means now. Empty text: there is none."""

    repo: str
    name: str
    version: Annotated[str, Field(description="Empty for a commit that has a stage only.")]
    stage: str
    tag: Annotated[str, Field(description="The Git tag that tells.")]
    revision: Annotated[str, Field(description="The Git commit, 40 hexadecimal digits.")]
    previous_version: Annotated[str, Field(description="What held the stage before.")]
    path: Annotated[str, Field(description="The model's own file or folder in the repository.")]
    files: list[ResolvedFile]


class RegisteredVersion(_Document):
    """A version that counts."""

    version: str
    revision: str
    tag: str
    registered_at: datetime
    registered_by: str
    stages: list[str]


class AssignedStage(_Document):
    """Which version holds a stage; '' for a commit that is not registered as one."""

    stage: str
    version: str
    revision: str
    assigned_at: datetime
    assigned_by: str


class ListedModel(_Document):
    """A model, its versions from the highest, and its stages."""

    name: str
    deprecated: bool
    warnings: list[str]
    versions: list[RegisteredVersion]
    stages: list[AssignedStage]


class ListedModels(_Document):
    """Every model that a tag of the repository names."""

    repo: str
    refreshed: Annotated[datetime, Field(description="When the tags were read.")]
    models: list[ListedModel]


class CreatedProject(_Document):
    """A project, and where its page is."""

    id: str
    url: str
    name: str


class CreatedProjects(_Document):
    """The project that was asked for."""

    projects: list[CreatedProject]


class NewProject(_Document):
    """The project to create; the same again is the one that is there."""

    repo_url: Annotated[
        str,
        Field(
            description="The Git repository, which the server serves and the token reads.",
            json_schema_extra={
                "pattern": f"^({_REPOSITORY})$",
                "example": "https://github.com/acme/models.git",
            },
        ),
    ]
    name: Annotated[
        str,
        Field(
            description="By default the repository's.",
            max_length=LONGEST_TITLE,
            json_schema_extra={"pattern": f"^{TITLE}$"},
        ),
    ] = ""
    team_name: Annotated[
        str,
        Field(
            description="One of the token's teams; by default it is the user's own.",
            max_length=LONGEST["team_name"],
            json_schema_extra={"pattern": f"^({PART})?$"},
        ),
    ] = ""
    subdir: Annotated[
        str,
        Field(
            description="The project's folder in a monorepo.",
            max_length=LONGEST["subdir"],
            json_schema_extra={"pattern": f"^({SUBDIR})?$"},
        ),
    ] = ""
    public: Annotated[bool, Field(description="Whether anyone may see the project's page.")] = False


class Refreshing(_Document):
    """The repositories whose tags will be read again, by name."""

    repositories: list[str]


class Health(_Document):
    """Whether a process can answer, and what it needs for that."""

    status: str
    checks: dict[str, bool] = {}


_FAILURES: dict[int, tuple[Any, str]] = {
    400: (Detail | FieldFaults, "What is asked for cannot be: the body says why, for each field."),
    401: (Detail, "No token, or one that is not valid."),
    403: (Detail, "The token is not for this."),
    404: (Detail, "There is no such repository, model, version or stage for this token."),
    408: (Detail, "The body took too long to arrive."),
    409: (Detail, "The repository or its storage is broken at that version."),
    413: (Detail, "The body is too large."),
    415: (Detail, "The body is not JSON."),
    429: (Detail, "Too many requests; `Retry-After` says how many seconds to wait."),
    503: (Detail, "Git, the storage or the database cannot be reached now."),
}


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of the `statuses` that a route can answer with besides success."""
    return {
        status: {"model": _FAILURES[status][0], "description": _FAILURES[status][1]}
        for status in statuses
    }


def _query(name: str, description: str, pattern: str, **more: object) -> dict[str, Any]:
    schema = {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST[name],
        "pattern": f"^({pattern})$",
    }
    return {"name": name, "in": "query", "description": description, "schema": schema, **more}


_PARAMETERS = {
    "repo": _query(
        "repo",
        "The Git repository: `owner/name`, or its address in any form.",
        _REPOSITORY,
        required=True,
        example="acme/models",
    ),
    "name": _query(
        "name",
        "The model's name; in a monorepo `path/to:name`.",
        rf"({PART}(/{PART})*:)?{_NAME}",
        required=True,
        example="text-classifier",
    ),
    "version": _query("version", "A registered version; excludes `stage`.", _VERSION),
    "range": _query(
        "version",
        "A registered version, or a range of them such as `^1.2`; excludes `stage`.",
        rf"{_VERSION}|{_COMPARATOR}(,{_COMPARATOR})?",
    ),
    "stage": _query(
        "stage", "The version that holds this stage; excludes `version`.", _NAME, example="prod"
    ),
    "prerelease": {
        "name": "prerelease",
        "in": "query",
        "description": "Whether pre-releases count where no version is named.",
        "schema": {"type": "string", "enum": list(get_args(Prerelease)), "default": "include"},
    },
}
"""What OpenAPI says of the queries; `asking.py` reads them, and more forms than these."""


def parameters(*names: str) -> dict[str, Any]:
    """The part of an operation that describes its query."""
    return {"parameters": [_PARAMETERS[name] for name in names]}


def json_body(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an operation that describes its body."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
