"""The API's JSON documents as pydantic models, and their OpenAPI descriptions. Pure."""

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
    """Return the OpenAPI 3.0 schema of a value that may be null."""
    return WithJsonSchema({"type": kind, "nullable": True, "description": description})


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class Detail(_Document):
    """Why a request failed."""

    detail: str


class FieldFaults(RootModel[dict[str, list[str]]]):
    """Messages by field; `non_field_errors` holds those about several fields."""


class DownloadUris(RootModel[dict[str, str]]):
    """A signed URL for each file's path: valid for an hour, and requested without the token."""


class ResolvedFile(_Document):
    """One file of a model version."""

    path: Annotated[str, Field(description="The path in the repository.")]
    url: Annotated[str, Field(description="Valid for an hour; request it without the token.")]
    size: Annotated[int | None, _nullable("integer", "In bytes; null if unknown.")]
    digest: Annotated[
        str | None, _nullable("string", "DVC's digest, such as `md5:0a1b…`; null if unknown.")
    ]
    executable: bool


class Policy(_Document):
    """The policy file of the repository's default branch."""

    revision: Annotated[str, Field(description="The commit that it was read at.")]
    text: Annotated[
        str, Field(description="The text of `.studio-action.yml`; empty if there is none.")
    ]


class Tagged(_Document):
    """A tag, and what its maker wrote: nothing proves it."""

    tag: str
    tagger: Annotated[str, Field(description="A name, or an e-mail address; empty for none.")]
    when: Annotated[int, Field(description="Seconds since 1970.")]


class Resolved(_Document):
    """The version that a request means now. An empty text means none."""

    repo: str
    name: str
    version: Annotated[
        str,
        Field(description="Empty if the commit has a stage but is not registered as a version."),
    ]
    stage: str
    tag: Annotated[
        str, Field(description="The Git tag that registers the version, or assigns the stage.")
    ]
    revision: Annotated[str, Field(description="The Git commit, 40 hexadecimal digits.")]
    previous_version: Annotated[str, Field(description="The version that held the stage before.")]
    path: Annotated[str, Field(description="The model's own file or folder in the repository.")]
    registered: Annotated[
        Tagged | None, Field(description="Who registered the version; null if it is none.")
    ]
    assigned: Annotated[
        Tagged | None, Field(description="Who assigned the stage; null without a stage.")
    ]
    files: list[ResolvedFile]
    policy: Annotated[
        Policy | None,
        Field(description="Null if the default branch is not known, so that others have to look."),
    ]


class RegisteredVersion(_Document):
    """A registered version."""

    version: str
    revision: str
    tag: str
    registered_at: datetime
    registered_by: str
    stages: list[str]


class AssignedStage(_Document):
    """The version that holds a stage; `version` is empty if its commit is not registered."""

    stage: str
    version: str
    revision: str
    assigned_at: datetime
    assigned_by: str


class ListedModel(_Document):
    """A model with its versions, highest first, and its stages."""

    name: str
    deprecated: bool
    warnings: list[str]
    versions: list[RegisteredVersion]
    stages: list[AssignedStage]


class ListedModels(_Document):
    """All models that the repository's tags name."""

    repo: str
    refreshed: Annotated[datetime, Field(description="When the tags were read.")]
    models: list[ListedModel]


class CreatedProject(_Document):
    """A project and the URL of its page."""

    id: str
    url: str
    name: str


class CreatedProjects(_Document):
    """The requested project."""

    projects: list[CreatedProject]


class NewProject(_Document):
    """The project to create. A repeated request returns the existing project."""

    repo_url: Annotated[
        str,
        Field(
            description="The Git repository; the server must serve it, and the token read it.",
            json_schema_extra={
                "pattern": f"^({_REPOSITORY})$",
                "example": "https://github.com/acme/models.git",
            },
        ),
    ]
    name: Annotated[
        str,
        Field(
            description="The default is the repository's name.",
            max_length=LONGEST_TITLE,
            json_schema_extra={"pattern": f"^{TITLE}$"},
        ),
    ] = ""
    team_name: Annotated[
        str,
        Field(
            description="One of the token's teams. By default the project belongs to the user.",
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
    """The names of the repositories whose tags will be read again."""

    repositories: list[str]


class AuthorizationServer(_Document):
    """Where tokens are exchanged (RFC 8414); the `aud` of ID tokens is `id_token_audience`."""

    issuer: str
    token_endpoint: str
    grant_types_supported: list[str]
    scopes_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    subject_token_types_supported: list[str]
    id_token_audience: str
    trusted_issuers: list[str]


class ExchangedToken(_Document):
    """A token for the ID token of a CI job (RFC 8693, section 2.2.1)."""

    access_token: str
    issued_token_type: str
    token_type: str
    expires_in: Annotated[int, Field(description="The seconds for which it is valid.")]
    scope: str


class OAuthError(_Document):
    """Why an exchange is refused (RFC 6749, section 5.2)."""

    error: str
    error_description: str


class Health(_Document):
    """Whether a process can answer, and the result of each check."""

    status: str
    checks: dict[str, bool] = {}


_FAILURES: dict[int, tuple[Any, str]] = {
    400: (Detail | FieldFaults, "The request is invalid. The body says why, by field."),
    401: (Detail, "There is no token, or it is invalid."),
    403: (Detail, "The token lacks the scope, or the team."),
    404: (
        Detail,
        "No such repository, model, version or stage, or the token may not read it.",
    ),
    408: (Detail, "The body took too long to arrive."),
    409: (Detail, "The repository or its storage is broken at this version."),
    413: (Detail, "The body is too large."),
    415: (Detail, "The body is not JSON."),
    429: (Detail, "Too many requests; `Retry-After` says how many seconds to wait."),
    503: (Detail, "Git, the storage or the database is unavailable."),
}


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI descriptions of the error `statuses` of a route."""
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
        "The Git repository: `owner/name`, or its URL in any form.",
        _REPOSITORY,
        required=True,
        example="acme/models",
    ),
    "name": _query(
        "name",
        "The model's name; `path/to:name` in a monorepo.",
        rf"({PART}(/{PART})*:)?{_NAME}",
        required=True,
        example="text-classifier",
    ),
    "version": _query("version", "A registered version. Not with `stage`.", _VERSION),
    "range": _query(
        "version",
        "A registered version, or a range such as `^1.2`. Not with `stage`.",
        rf"{_VERSION}|{_COMPARATOR}(,{_COMPARATOR})?",
    ),
    "stage": _query(
        "stage", "The version that holds this stage. Not with `version`.", _NAME, example="prod"
    ),
    "prerelease": {
        "name": "prerelease",
        "in": "query",
        "description": "Whether the latest version, and a range, may be a pre-release.",
        "schema": {"type": "string", "enum": list(get_args(Prerelease)), "default": "include"},
    },
}
"""The OpenAPI descriptions of query parameters; `parameters.py` also accepts other forms."""


def parameters(*names: str) -> dict[str, Any]:
    """Return the OpenAPI description of an operation's query parameters."""
    return {"parameters": [_PARAMETERS[name] for name in names]}


def json_body(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI description of an operation's body."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def form_body(properties: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    """Return the OpenAPI description of an operation's body that is a form."""
    schema = {"type": "object", "properties": properties, "required": required}
    content = {"application/x-www-form-urlencoded": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}
