"""What DVC tracks: the outputs of `*.dvc` files and of pipelines. Pure.

A pipeline's outputs stand in `dvc.yaml`, their digests in the `dvc.lock` beside it; an entry of
the lock whose stage or output is not in `dvc.yaml` any more is a left-over and does not count.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from studio_action.gitrepo.dvc import external, imports
from studio_action.gitrepo.dvc.documents import Node, read_yaml
from studio_action.gitrepo.dvc.imports import Import
from studio_action.gitrepo.dvc.templates.files import Read
from studio_action.gitrepo.dvc.templates.pipeline import OUTPUTS, Pipeline
from studio_action.model.digest import Digest

PIPELINE = "dvc.yaml"
LOCK = "dvc.lock"
SUFFIX = ".dvc"


@dataclass(frozen=True, slots=True)
class OutputMeta:
    """What a remote keeps a file or folder under: its digest, or a version at its own path.

    `remote` is the name of the remote, '' for the default one.
    """

    digest: Digest | None
    size: int | None
    executable: bool
    remote: str
    version_id: str


@dataclass(frozen=True, slots=True)
class Output:
    """One output, of which only the path is read yet, relative to the repository's root.

    What is not `cached` is Git's to keep; what is not `pushed`, no remote has; what was
    `imported`, another repository keeps, and `external` is the URL it was imported from.
    """

    path: str
    cached: bool
    remote: str
    node: Node
    pushed: bool = True
    imported: Import | None = None
    external: Node | None = None

    def meta(self) -> OutputMeta:
        return _read_meta(self.node, self.node.get("hash"), self.remote)

    def members(self) -> Mapping[str, OutputMeta]:
        """Return the files of a folder that is kept file by file, by path relative to it."""
        return {
            file.get("relpath").text(): _read_meta(file, self.node.get("hash"), self.remote)
            for file in self.node.get("files").sequence()
        }


def path_within(folder: str, path: str) -> str | None:
    """Return `path` in `folder` as seen from the repository's root, ''; None if it is outside."""
    if "://" in path or posixpath.isabs(path):
        return None
    normal = posixpath.normpath(posixpath.join(folder, path))
    if normal == ".." or normal.startswith("../"):
        return None
    return "" if normal == "." else normal


def is_in(path: str, folder: str) -> bool:
    """Return whether `path` is `folder` or below it."""
    return path == folder or path.startswith(f"{folder}/")


def is_dvc_file(path: str) -> bool:
    """Return whether the file is one of those that `read_outputs` reads."""
    return path.endswith(SUFFIX) or posixpath.basename(path) in (PIPELINE, LOCK)


def is_content(path: str) -> bool:
    """Return whether a file in a folder belongs to its content, as it does to DVC."""
    return not path.endswith(SUFFIX) and posixpath.basename(path) not in (PIPELINE, ".dvcignore")


def nearest_dvc_files(path: str) -> Iterator[str]:
    """Yield names of the files that most likely tell of `path`."""
    for place in (path, *map(str, PurePosixPath(path).parents)):
        folder = "" if place == "." else place
        if folder:
            yield f"{folder}{SUFFIX}"
        yield from (posixpath.join(folder, name) for name in (LOCK, PIPELINE))


def output_around(path: str, outputs: Iterable[Output]) -> Output | None:
    """Return the output that is or contains `path`; raise `UnexpectedAnswer` for two."""
    around = sorted((it for it in outputs if is_in(path, it.path)), key=lambda it: len(it.path))
    if len(around) > 1 and around[-1].path == around[-2].path:
        raise around[-1].node.wrong(f"is the same output as {around[-2].node.place}")
    return around[-1] if around else None


def read_outputs(contents: Mapping[str, bytes], revision: str, read: Read) -> Iterator[Output]:
    """Yield the outputs that DVC's files tell, `contents` by path; a lock needs its `dvc.yaml`.

    `read` gives the files of variables that a `dvc.yaml` names.
    """
    for path, content in contents.items():
        folder, name = posixpath.split(path)
        if name.endswith(SUFFIX):
            yield from _of_dvc_file(folder, read_file(path, content, revision))
        pipeline = posixpath.join(folder, PIPELINE)
        if name == LOCK and pipeline in contents:
            yield from _of_pipeline(
                folder,
                read_file(path, content, revision),
                read_pipeline(pipeline, contents[pipeline], revision, read),
            )


def read_pipeline(path: str, content: bytes, revision: str, read: Read) -> Pipeline:
    """Parse a `dvc.yaml`; `read` gives the files of variables that it names."""
    document = read_file(path, content, revision)
    return Pipeline(posixpath.dirname(path), document, revision, read)


def read_file(path: str, content: bytes, revision: str) -> Node:
    """Parse one of DVC's files."""
    return read_yaml(f"{path} at {revision[:7]}", content)


def _of_dvc_file(folder: str, file: Node) -> Iterator[Output]:
    base = path_within(folder, file.get("wdir").text())
    for node in file.get("outs").sequence():
        for output in _output(base, node, node):
            yield replace(output, imported=imports.read(file), external=external.dependency(file))


def _of_pipeline(folder: str, lock: Node, pipeline: Pipeline) -> Iterator[Output]:
    if lock.value and lock.get("schema").value != "2.0":
        raise lock.get("schema").wrong("is not '2.0'")
    for name, locked in lock.get("stages").mapping().items():
        stage = pipeline.stage(name)
        if stage is not None:
            yield from _of_stage(folder, locked, stage)


def _of_stage(folder: str, locked: Node, stage: Node) -> Iterator[Output]:
    base = path_within(folder, stage.get("wdir").text())
    declared = _declared(stage)
    for node in locked.get("outs").sequence():
        flags = declared.get(node.get("path").text())
        if flags is not None:
            yield from _output(base, node, flags)


def _declared(stage: Node) -> Mapping[str, Node]:
    """Return the outputs of a stage by path as written, with flags such as `cache: false`."""
    found: dict[str, Node] = {}
    for kind in OUTPUTS:
        found.update(_of_kind(stage.get(kind)))
    return found


def _of_kind(outputs: Node) -> Mapping[str, Node]:
    found: dict[str, Node] = {}
    for item in outputs.sequence():
        if isinstance(item.value, str):
            found.setdefault(item.value, replace(item, value={}))
            continue
        for path, flags in item.mapping().items():
            found[path] = _with_flags(found.get(path), flags)
    return found


def _with_flags(earlier: Node | None, flags: Node) -> Node:
    """Return the flags of an output, and those it had already; those of plots may be a list
    instead.
    """
    if isinstance(flags.value, list):
        return earlier or replace(flags, value={})
    told = [] if earlier is None else list(earlier.pairs())
    return replace(flags, value={key: it.value for key, it in (*told, *flags.pairs())})


def _output(base: str | None, node: Node, flags: Node) -> Iterator[Output]:
    path = None if base is None else path_within(base, node.get("path").text())
    if path:
        cached = flags.get("cache").flag(default=True)
        pushed = flags.get("push").flag(default=True)
        yield Output(path, cached, flags.get("remote").text(), node, pushed)


def _read_meta(node: Node, algorithm: Node, remote: str) -> OutputMeta:
    """Parse `node`; below `cloud` and a remote's name is what is known from that remote."""
    named = node.get("remote").text() or remote
    remote, cloud = next(iter(node.get("cloud").mapping().items()), (named, node))

    def told(key: str) -> Node:
        return cloud.get(key) if cloud.get(key).value is not None else node.get(key)

    return OutputMeta(
        digest=read_digest(told("md5"), algorithm.text()),
        size=told("size").size(),
        executable=told("isexec").flag(default=False),
        remote=remote,
        version_id=told("version_id").text(),
    )


def read_digest(md5: Node, algorithm: str) -> Digest | None:
    """Return the digest that is told; DVC 2 named no algorithm, and meant MD5 after dos2unix."""
    if md5.value in (None, ""):
        return None
    try:
        return Digest.parse(f"{algorithm or 'md5-dos2unix'}:{str(md5.value).lower()}")
    except ValueError as error:
        raise md5.wrong("is not an MD5") from error
