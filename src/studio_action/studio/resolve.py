"""The whole answer at once: `GET api/model-registry/resolve`, which our own server has. Pure.

    {"repo": "acme/models", "name": "churn", "version": "v1.2.0", "stage": "prod",
     "tag": "churn@v1.2.0", "revision": COMMIT, "previous_version": "v1.1.0",
     "path": "models/churn.pkl", "registered": {"tag": TAG, "tagger": NAME, "when": SECONDS} or
     null, "assigned": the same or null, "files": [{"path": PATH, "url": URL, "size": BYTES or null,
     "digest": "md5:…" or null, "executable": false}],
     "policy": {"revision": COMMIT, "text": "rules: …"} or null}

Empty text stands for what there is not: the version of a commit that was never registered, the
stage where none was asked for, the policy of a repository that has none; null: the server does not
know. An older server does not say who registered and assigned it. What contradicts itself or the
question is refused as a whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from studio_action.errors import BadInput
from studio_action.gitrepo.gto import tags
from studio_action.gitrepo.gto.history import Prerelease
from studio_action.gitrepo.gto.tags import Assignment, Registration, Unassignment
from studio_action.model.artifact import (
    ArtifactRef,
    AtStage,
    AtVersion,
    Latest,
    RemoteFile,
    Resolution,
    Selector,
)
from studio_action.model.digest import Digest, digest_in_url
from studio_action.model.paths import check_path
from studio_action.model.tagging import Tagging
from studio_action.model.versions import InRange, semantic
from studio_action.net import signed_url
from studio_action.studio.api import (
    Answer,
    check_paths,
    check_text,
    download_uris_query,
    fetchable,
    refuse,
    unexpected_answer,
)
from studio_action.text import printable

_REVISION = re.compile(r"[0-9a-f]{40}")
_LARGEST_POLICY = 64 << 10
"""Characters; a policy file has no more bytes."""
_TEXTS = ("name", "version", "stage", "tag", "revision", "previous_version", "path")


@dataclass(frozen=True, slots=True)
class CommittedPolicy:
    """What the policy file of the default branch has at a commit; empty text: there is none."""

    revision: str
    text: str


@dataclass(frozen=True, slots=True)
class ResolvedDetails:
    """What a server with our extension answers; it may not know the policy."""

    resolution: Resolution
    policy: CommittedPolicy | None


def resolve_query(
    artifact: ArtifactRef, selector: Selector, prerelease: Prerelease
) -> dict[str, str]:
    """Return the query; unlike Studio's own endpoint, this one takes a range as `version`."""
    match selector:
        case InRange(wanted):
            asked = {**download_uris_query(artifact, Latest()), "version": wanted}
        case _:
            asked = download_uris_query(artifact, selector)
    if prerelease != "include" and isinstance(selector, Latest | InRange):
        asked["prerelease"] = prerelease
    return asked


def read_details(answer: Answer, artifact: ArtifactRef, selector: Selector) -> ResolvedDetails:
    """Return the whole answer; see `read_resolution`."""
    return ResolvedDetails(read_resolution(answer, artifact, selector), _policy(answer))


def _policy(answer: Answer) -> CommittedPolicy | None:
    assert isinstance(answer.document, dict)  # or no resolution was read
    match answer.document.get("policy"):
        case None:
            return None
        case {"revision": str(revision), "text": str(text)} if _REVISION.fullmatch(revision):
            if len(text) <= _LARGEST_POLICY:
                return CommittedPolicy(revision, text)
    raise unexpected_answer(answer, "a policy without a commit, or one that is too large")


def read_resolution(answer: Answer, artifact: ArtifactRef, selector: Selector) -> Resolution:
    """Return what `selector` means, with version, commit, sizes and digests."""
    if answer.status != 200:
        refuse(answer, f"{selector} of {artifact}")
    document = answer.document
    if not isinstance(document, dict):
        raise unexpected_answer(answer, "no JSON object")
    said = {name: _text(answer, document, name) for name in _TEXTS}
    found = Resolution(
        artifact=artifact,
        selector=selector,
        source="studio",
        files=_files(answer, document.get("files")),
        version=said["version"],
        stage=said["stage"],
        tag=said["tag"],
        revision=said["revision"],
        previous_version=said["previous_version"],
        root=said["path"],
        registered=_tagging(answer, document, "registered"),
        assigned=_tagging(answer, document, "assigned"),
    )
    fault = _fault(found, said["name"])
    if fault:
        raise unexpected_answer(answer, fault)
    return found


def _text(answer: Answer, document: dict[str, Any], name: str) -> str:
    text = document.get(name)
    if not isinstance(text, str):
        raise unexpected_answer(answer, f"no text as {name}")
    check_text(answer, f"a {name.replace('_', ' ')} that", text)
    return text


def _tagging(answer: Answer, document: dict[str, Any], name: str) -> Tagging | None:
    match document.get(name):
        case None:
            return None
        case {"tag": str(tag), "tagger": str(tagger), "when": int(when)}:
            check_text(answer, f"a tag in {name} that", tag)
            check_text(answer, f"a tagger in {name} that", tagger)
            return Tagging(tag, tagger, when)
    raise unexpected_answer(answer, f"no tag, tagger and time in {name}")


def _files(answer: Answer, rows: object) -> tuple[RemoteFile, ...]:
    if not isinstance(rows, list) or not rows:
        raise unexpected_answer(answer, "no JSON list of files")
    files = tuple(sorted((_file(answer, row) for row in rows), key=lambda file: file.path))
    check_paths(answer, [file.path for file in files])
    return files


def _file(answer: Answer, row: object) -> RemoteFile:
    match row:
        case {
            "path": str(path),
            "url": str(url),
            "size": None | int() as size,
            "digest": None | str() as digest,
            "executable": bool(executable),
        }:
            pass
        case _:
            raise unexpected_answer(answer, "a file without path, url, size, digest and executable")
    shown = repr(printable(path, 200))
    if not fetchable(url):
        raise unexpected_answer(answer, f"no http(s) URL for {shown}")
    if isinstance(size, bool) or (size is not None and not 0 <= size < 1 << 63):
        raise unexpected_answer(answer, f"an invalid size of {shown}")
    try:
        known = _digest(digest, url)
    except ValueError as error:
        raise unexpected_answer(answer, f"a digest of {shown} that {error}") from error
    return RemoteFile(path, url, size, known, signed_url.expiry(url), executable=executable)


def _digest(text: str | None, url: str) -> Digest | None:
    """Return the digest in the answer, else that in the URL; raise `ValueError` if they differ."""
    stored = digest_in_url(url)
    if text is None:
        return stored
    try:
        told = Digest.parse(text)
    except ValueError:
        raise ValueError("cannot be read") from None
    if told.hex.endswith(".dir"):
        raise ValueError("is a folder's")
    if stored not in (None, told):
        raise ValueError("its URL contradicts")
    return told


def _fault(found: Resolution, name: str) -> str:
    """Return what contradicts the request or the rest of the answer; '' for nothing."""
    if name != str(found.artifact.model):
        return "another model"
    if not _answers(found):
        return f"what is not the {found.selector}"
    if not _REVISION.fullmatch(found.revision):
        return "a revision that is not a commit"
    if not _tagged(found):
        return "a tag that does not say so"
    if found.previous_version and not _is_version(found.previous_version):
        return "a previous version that is not a version"
    return _misplaced(found)


def _answers(found: Resolution) -> bool:
    """Return whether version and stage are what was requested."""
    match found.selector:
        case AtVersion(version):
            return (found.version, found.stage) == (version, "")
        case AtStage(stage):
            return found.stage == stage
        case Latest():
            return found.stage == ""
        case InRange():
            registered = found.stage == "" and _is_version(found.version)
            return registered and found.selector.spec().match(semantic(found.version))


def _tagged(found: Resolution) -> bool:
    """Return whether the tag registers the commit as this version, or gives it a stage."""
    match tags.parse(found.tag):
        case Registration(model, version):
            return (model, version) == (found.artifact.model, found.version)
        case Assignment(model, _) | Unassignment(model, _):
            return model == found.artifact.model and not found.version
    return False


def _is_version(text: str) -> bool:
    try:
        AtVersion.parse(text)
    except BadInput:
        return False
    return True


def _misplaced(found: Resolution) -> str:
    """Return what is wrong with the model's path, or a file outside of it; '' for nothing."""
    if not found.root:
        return ""
    check_path(found.root)
    for file in found.files:
        if file.path != found.root and not file.path.startswith(f"{found.root}/"):
            return f"{printable(file.path, 200)!r}, which is not in {printable(found.root, 200)!r}"
    return ""
