"""What the DVC Studio REST API answers about the sample registry.

Error bodies are in the shapes of Django REST framework, in which Studio speaks; where Studio's own
choice is not documented (which version holds a stage, what is latest) `gto show` decides.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from tests import sample
from tests.reference.messages import Answer, Refused, Request, detail
from tests.reference.storage import Signer

MODEL_REGISTRY, PROJECT = "MODEL_REGISTRY", "PROJECT"
DOWNLOAD_URIS, CREATE_PROJECT = "/api/model-registry/get-download-uris", "/api/create-project"
ENDPOINTS = (DOWNLOAD_URIS, CREATE_PROJECT)
REPOSITORY = "acme/models"
TEAM = "acme"
LIFETIME = timedelta(hours=1)
NOT_FOUND_PAGE = """<!doctype html>
<html lang="en">
<head>
  <title>Not Found</title>
</head>
<body>
  <h1>Not Found</h1><p>The requested resource was not found on this server.</p>
</body>
</html>
"""
"""What Django says of a path that no view serves."""


@dataclass(slots=True)
class Studio:
    """The API's state: who may do what, how URLs are signed, which projects there are."""

    signers: MutableMapping[str, Signer]
    """By the scheme of a remote's URL; a remote without one is not supported."""
    now: Callable[[], datetime]
    tokens: dict[str, frozenset[str]] = field(default_factory=dict)
    projects: list[dict[str, Any]] = field(default_factory=list)

    def issue_token(self, *scopes: str) -> str:
        """A new token that may do what `scopes` say."""
        token = f"isat_{secrets.token_hex(24)}"
        self.tokens[token] = frozenset(scopes)
        return token

    def answer(self, request: Request, base: str) -> Answer:
        """The API's answer to `request`; `base` is its URL as the caller sees it."""
        if request.path == DOWNLOAD_URIS:
            self._authorise(request, "GET", MODEL_REGISTRY)
            return Answer(200, self._download_uris(request.query, base))
        if request.path == CREATE_PROJECT:
            self._authorise(request, "POST", PROJECT)
            return Answer(201, {"projects": [self._create_project(request, base)]})
        raise Refused(404, NOT_FOUND_PAGE)

    def _authorise(self, request: Request, method: str, scope: str) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        challenge = {"WWW_Authenticate": "Token"}
        if scheme.lower() != "token":
            raise detail(401, "Authentication credentials were not provided.", **challenge)
        if " " in token:
            fault = "Invalid token header. Token string should not contain spaces."
            raise detail(401, fault, **challenge)
        if token not in self.tokens:
            raise detail(401, "Invalid token.", **challenge)
        if scope not in self.tokens[token]:
            raise detail(403, "You do not have permission to perform this action.")
        if request.method != method:
            raise detail(405, f'Method "{request.method}" not allowed.', Allow=method)

    def _download_uris(self, query: dict[str, str], base: str) -> dict[str, str]:
        missing = [name for name in ("repo", "name") if not query.get(name)]
        if missing:
            raise Refused(400, {name: ["This field is required."] for name in missing})
        if query.get("version") and query.get("stage"):
            raise Refused(400, {"non_field_errors": ["Give a version or a stage, not both."]})
        if repository_path(query["repo"]) != REPOSITORY:
            raise detail(404, "Not found.")
        return {file["path"]: self._signed(file["url"], base) for file in _files(query)}

    def _signed(self, url: str, base: str) -> str:
        signer = self.signers.get(urlsplit(url).scheme)
        if signer is None:
            raise detail(400, "Remote not supported")
        signed = signer(url, self.now(), LIFETIME)
        return base + signed if signed.startswith("/") else signed

    def _create_project(self, request: Request, base: str) -> dict[str, str]:
        wanted = _read_project(request.body)
        path = repository_path(wanted["repo_url"])
        name = wanted.get("name") or path.rpartition("/")[2]
        number = secrets.token_hex(5)
        owner = f"team/{TEAM}" if wanted.get("team_name") else "user/ada"
        slug = re.sub(r"[^A-Za-z0-9]+", "-", name)
        url = f"{base}/{owner}/projects/{slug}-{number}"
        self.projects.append(wanted | {"id": number})
        return {"id": number, "url": url, "name": name}


def _files(query: dict[str, str]) -> list[dict[str, Any]]:
    """The files of one model version, as the real gto and dvc resolve it."""
    model = sample.expected()["models"].get(query["name"])
    if model is None:
        raise detail(404, "Not found.")
    if query.get("stage"):
        version = model["stages"].get(query["stage"])
    else:
        version = query.get("version") or model["latest"]
    found = model["versions"].get(version)
    if found is None or found.get("problem") == "not annotated":
        raise detail(404, "Not found.")
    if found.get("problem") == "not in DVC":
        raise detail(400, "The model is not stored with DVC")
    files: list[dict[str, Any]] = found["files"]
    return files


def _read_project(body: bytes) -> dict[str, Any]:
    try:
        wanted = json.loads(body)
    except ValueError as error:
        raise detail(400, f"JSON parse error - {error}") from error
    faults = {}
    if not wanted.get("repo_url"):
        faults["repo_url"] = ["This field is required."]
    elif not repository_path(wanted["repo_url"]):
        faults["repo_url"] = ["Enter a valid repository URL."]
    if not isinstance(wanted.get("public", False), bool):
        faults["public"] = ["Must be a valid boolean."]
    if wanted.get("team_name", TEAM) != TEAM:
        faults["team_name"] = ["No such team."]
    if faults:
        raise Refused(400, faults)
    return dict(wanted)


def repository_path(repository: str) -> str:
    """`owner/name` of a repository in any accepted form; empty for what is none."""
    path = urlsplit(repository).path if "://" in repository else repository.rpartition(":")[2]
    path = path.strip("/").removesuffix(".git")
    return path if "/" in path else ""
