"""What a revision's files say about a model: where it is and what keeps its bytes. Pure.

DVC's files: `dvc.yaml` (https://dvc.org/doc/user-guide/project-structure/dvcyaml-files), its
`dvc.lock`, and `*.dvc` (https://dvc.org/doc/user-guide/project-structure/dvc-files).
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from studio_action.errors import ContentMismatch, NoSuchModel, ObjectMissing, UnexpectedAnswer
from studio_action.gitrepo.dvc import external
from studio_action.gitrepo.dvc.documents import Node, read_json
from studio_action.gitrepo.dvc.external import ExternalFile
from studio_action.gitrepo.dvc.imports import Import
from studio_action.gitrepo.dvc.output_index import OutputIndex
from studio_action.gitrepo.dvc.outputs import (
    PIPELINE,
    Output,
    is_content,
    is_in,
    path_within,
    read_digest,
    read_file,
    read_pipeline,
)
from studio_action.gitrepo.dvc.parents import check_parents
from studio_action.gitrepo.dvc.project import Files, Project, find
from studio_action.gitrepo.dvc.templates.pipeline import Pipeline
from studio_action.gitrepo.git.trees import LINK, Entry
from studio_action.model.artifact import ModelName
from studio_action.model.digest import Digest
from studio_action.model.paths import check_path
from studio_action.net import bounded_json
from studio_action.text import first_few, printable, redact

_OLD_ANNOTATIONS = "artifacts.yaml"
_MOST_NAMES = 20
LARGEST_MANIFEST = bounded_json.LARGEST
"""Bytes of a folder's list of files; that of 500,000 files stays below."""
MOST_FILES = 500_000
"""Of one model."""
_VALUES_OF_A_MEMBER = 10
"""Of the list's JSON, keys included; DVC writes `md5` and `relpath`, five in all."""


@dataclass(frozen=True, slots=True)
class TrackedFile:
    """A file that a DVC remote holds.

    `path` is POSIX, relative to the repository's root; `size` is in bytes; `remote` is the name
    of the remote, '' for the default one. The remote keeps the file under its `digest`, or, where
    there is a `version_id`, at its own path. What is not `pushed`, it cannot have.
    """

    path: str
    digest: Digest | None
    size: int | None = None
    executable: bool = False
    remote: str = ""
    version_id: str = ""
    pushed: bool = True


@dataclass(frozen=True, slots=True)
class TrackedFolder:
    """A folder whose members a DVC remote lists in a manifest, kept under `digest`.

    Only what is at or below `wanted` (the folder's `path`, or one inside it) belongs to the model;
    `size` is that of the whole folder.
    """

    path: str
    digest: Digest
    wanted: str
    size: int | None = None
    remote: str = ""
    pushed: bool = True


@dataclass(frozen=True, slots=True)
class GitFile:
    """A file that the repository itself holds."""

    path: str
    executable: bool = False


@dataclass(frozen=True, slots=True)
class ImportedContent:
    """A file or folder that another repository keeps, which `dvc import` brought to `path`.

    Only what is at or below `wanted` belongs to the model. `digest` and `size` are those of all
    of it, None where they are not told.
    """

    path: str
    source: Import
    wanted: str
    digest: Digest | None = None
    size: int | None = None


Content = TrackedFile | TrackedFolder | GitFile | ImportedContent | ExternalFile


def path_of(model: ModelName, files: Files) -> str | ExternalFile:
    """Return the model's path in the repository: a file or a folder, as `dvc.yaml` annotates it.

    Instead of one, it may be annotated with a URL. Raises `NoSuchModel` where it is not annotated,
    `BadInput` for a URL that is not read, `UnexpectedAnswer` where that cannot be read.
    """
    node, pipeline = _annotation(model, files)
    node = pipeline.filled(node.get("path"))
    if not node.text():
        raise NoSuchModel(f"{node.place} is not given", "A model needs a path to its files")
    if external.scheme_of(node.text()):
        return external.artifact(model.folder, node)
    return _inside(model.folder, node)


def labels_of(model: ModelName, files: Files) -> frozenset[str]:
    """Return the labels that `dvc.yaml` gives the model; raises what `path_of` raises."""
    node, pipeline = _annotation(model, files)
    return frozenset(pipeline.filled(each).text() for each in node.get("labels").sequence())


def _annotation(model: ModelName, files: Files) -> tuple[Node, Pipeline]:
    """Return what is annotated about the model, and the `dvc.yaml` that fills it in."""
    old, pipeline = annotations_in(model.folder, files)
    annotated = {**old, **pipeline.artifacts()}
    if model.name not in annotated:
        home = posixpath.join(model.folder, PIPELINE)
        check_parents(home, files)
        raise NoSuchModel(
            f"model {model} is not annotated in {home} at {files.revision[:7]}", _known(annotated)
        )
    return annotated[model.name], pipeline


def annotations_in(folder: str, files: Files) -> tuple[Mapping[str, Node], Pipeline]:
    """Return what GTO's own old file annotates, and the `dvc.yaml` that has DVC's annotations.

    Raises `UnexpectedAnswer` where one cannot be read.
    """
    home = posixpath.join(folder, PIPELINE)
    there = files.read([home] if folder else [home, _OLD_ANNOTATIONS])
    old: Mapping[str, Node] = {}
    if _OLD_ANNOTATIONS in there:
        content = there[_OLD_ANNOTATIONS]
        old = read_file(_OLD_ANNOTATIONS, content, files.revision).mapping()
    seen = home in there and Project.containing(folder, files).includes(home)
    content = there[home] if seen else b""
    return old, read_pipeline(home, content, files.revision, files.read)


def _known(annotated: Collection[str]) -> str:
    if not annotated:
        return "Nothing is annotated there"
    names = [printable(name, 100) for name in sorted(annotated)]
    return f"Annotated there: {first_few(names, _MOST_NAMES)}"


def _inside(folder: str, node: Node) -> str:
    path = path_within(folder, node.text())
    if not path:
        shown = printable(redact(node.text()), 200)
        raise node.wrong(f"is not a file or folder of the repository: {shown!r}")
    return path


def contents(
    path: str, files: Files, say: Callable[[str], None] = lambda line: None
) -> tuple[Content, ...]:
    """Return all that makes up the file or folder at `path`, in the order of their paths.

    A file that Git has is that. Otherwise it is what DVC tracks of `path`, and what Git has there
    but DVC's own files and what `.dvcignore` ignores, as `dvc artifacts get` delivers it.
    Raises `ObjectMissing` where neither DVC nor Git has anything there, `UnexpectedAnswer` where
    DVC's files cannot be read; `say` hears of those that were left out (see `output_index`).
    """
    entry = find(path, files)
    if entry is not None and not entry.is_folder:
        return (_in_git(path, entry),)
    check_parents(path, files)
    index = OutputIndex(Project.containing(path, files), say)
    output = index.output_around(path)
    if output is not None and output.cached:
        _check_seen(output, index.project)
        parts = list(_tracked(output, path))
    else:
        parts = _tracked_inside(path, index)
    of_git = [_in_git(name, it) for name, it in index.project.walk(path, is_content)]
    if output is not None and not parts and not of_git:
        raise _no_content(output, path)
    if not parts and not of_git:
        index.check_broken(path)
        raise _missing(path, index.project)
    taken = {part.path for part in of_git}
    found = [*(part for part in parts if part.path not in taken), *of_git]
    return tuple(sorted(found, key=lambda part: part.path))


def _tracked_inside(folder: str, index: OutputIndex) -> list[Content]:
    """Return what is tracked inside a folder that is not tracked itself, unless Git has it."""
    files = index.project.files
    found: list[Content] = []
    for output in index.outputs_in(folder):
        entry = find(output.path, files)
        if output.cached and (entry is None or entry.is_folder):
            _check_seen(output, index.project)
            found += _tracked(output, output.path)
    return found


def _check_seen(output: Output, project: Project) -> None:
    """Raise `UnexpectedAnswer` for an output that is ignored, for which DVC refuses a project."""
    if not project.includes(output.path) or not project.includes(output.path, folder=True):
        raise output.node.wrong(
            f"is {printable(output.path, 200)}, which a .dvcignore file ignores: DVC refuses that"
        )


def _missing(path: str, project: Project) -> ObjectMissing:
    shown = f"{printable(path, 200)} at {project.files.revision[:7]}"
    if find(path, project.files):  # a folder
        return ObjectMissing(
            f"DVC sees no file in {shown}", "Files that .dvcignore ignores are not part of a model"
        )
    return ObjectMissing(
        f"neither DVC nor Git has {shown}",
        "Is it tracked, and was its .dvc file or dvc.lock committed?",
    )


def _tracked(output: Output, wanted: str) -> Iterator[Content]:
    """Yield what there is of `wanted`, which is `output` or inside it."""
    if output.imported is not None:
        whole = output.meta()
        yield ImportedContent(output.path, output.imported, wanted, whole.digest, whole.size)
        return
    parts: Iterable[ExternalFile] = ()
    if output.external is not None and _is_elsewhere(output):
        parts = external.imported(output.path, output.external, output.meta().digest)
    found = [part for part in parts if is_in(part.path, wanted)]
    yield from found or _tracked_files(output, wanted)


def _is_elsewhere(output: Output) -> bool:
    """Return whether DVC takes what it imported from a URL from there: what was not downloaded
    then, and what the storage keeps versions of, is not pushed (dvc, `repo/index.py`).
    """
    told = output.external
    if told is None or output.members():
        return False
    whole = output.meta()
    versions = [told, *told.get("files").sequence()]
    return whole.digest is None or any(it.get("version_id").text() for it in versions)


def _tracked_files(output: Output, wanted: str) -> Iterator[TrackedFile | TrackedFolder]:
    files = {posixpath.join(output.path, name): it for name, it in output.members().items()}
    whole = output.meta()
    if not files and whole.digest is not None and whole.digest.hex.endswith(".dir"):
        yield TrackedFolder(
            output.path, whole.digest, wanted, whole.size, whole.remote, output.pushed
        )
        return
    for path, it in sorted((files or {output.path: whole}).items()):
        if is_in(path, wanted):
            if it.digest is None and not it.version_id:
                raise _no_content(output, path)
            check_path(path)
            yield TrackedFile(
                path, it.digest, it.size, it.executable, it.remote, it.version_id, output.pushed
            )


def _no_content(output: Output, path: str) -> ObjectMissing:
    return ObjectMissing(
        f"{output.node.place} has no content for {printable(path, 200)}",
        "Was it created, then committed with DVC and with Git?",
    )


def _in_git(path: str, entry: Entry) -> GitFile:
    if not entry.is_file:
        what = "a symbolic link" if entry.kind == LINK else "a submodule"
        raise UnexpectedAnswer(f"{printable(path, 200)} is {what} in Git, and that is not followed")
    return GitFile(path, executable=entry.executable)


def members(
    folder: TrackedFolder, manifest: bytes, most_files: int = MOST_FILES
) -> tuple[TrackedFile, ...]:
    """Return the wanted files of `folder`, from its manifest.

    Raises `ContentMismatch` where the manifest does not match the folder's digest,
    `UnexpectedAnswer` where it cannot be read, has an unsafe path or more than `most_files`,
    `ObjectMissing` where nothing wanted is in it.
    """
    place = f"the list of the files in {printable(folder.path, 200)}"
    got = hashlib.md5(manifest, usedforsecurity=False).hexdigest() + ".dir"
    if got != folder.digest.hex:
        raise ContentMismatch(f"{place} has the MD5 {got}, not {folder.digest.hex}")
    entries = read_json(place, manifest, _VALUES_OF_A_MEMBER * most_files).sequence()
    if len(entries) > most_files:
        raise UnexpectedAnswer(f"{place} has {len(entries):,} entries, more than {most_files:,}")
    files = [_member(folder, entry) for entry in entries]
    wanted = tuple(file for file in files if is_in(file.path, folder.wanted))
    if not wanted:
        raise ObjectMissing(f"{printable(folder.wanted, 200)} is not in {place}")
    return wanted


def _member(folder: TrackedFolder, entry: Node) -> TrackedFile:
    path = posixpath.join(folder.path, entry.get("relpath").text())
    check_path(path)
    digest = read_digest(entry.get("md5"), folder.digest.algorithm)
    if digest is None:
        raise entry.wrong("has no MD5")
    return TrackedFile(path, digest, remote=folder.remote, pushed=folder.pushed)
