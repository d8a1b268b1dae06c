"""Outputs that `dvc import` brought from another repository, as DVC's files tell of them. Pure.

Such an output is never pushed: DVC takes it from the other repository, at the commit that its
`.dvc` file names (https://dvc.org/doc/command-reference/import, dvc's `dependency/repo.py`). All
of that is a stranger's text, so what it may name is decided here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from configobj import ConfigObj, ConfigObjError

from studio_action.errors import BadInput, ContentMismatch, UnexpectedAnswer
from studio_action.gitrepo.dvc.config import Config, ConfigFile
from studio_action.gitrepo.dvc.documents import Node
from studio_action.model.digest import Digest, folder_digest
from studio_action.model.repository_url import RepositoryUrl
from studio_action.text import printable

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

Options = tuple[tuple[str, str], ...]
"""Names and values of a remote's options."""


@dataclass(frozen=True, slots=True)
class ImportSource:
    """Another repository at a commit, and what the importing one says of its remotes.

    `config` is in the format of DVC's files and goes over the repository's own; `options` go over
    those of the default remote.
    """

    address: RepositoryUrl
    commit: str
    config: str = field(default="", repr=False)
    options: Options = field(default=(), repr=False)

    def __str__(self) -> str:
        return f"{printable(str(self.address), 300)} at {self.commit[:7]}"

    def files(self, path: str, committed: str) -> list[ConfigFile]:
        """Return its configuration: `committed`, the text of the file at `path`, and what is said
        here.
        """
        files = [ConfigFile(path, committed, None), ConfigFile("an import", self.config, None)]
        if self.options:
            default = Config.read(files).default
            files.append(ConfigFile("an import", _written({default: dict(self.options)}), None))
        return files


@dataclass(frozen=True, slots=True)
class Import:
    """The dependency of an output that was imported; nothing of it is judged yet."""

    node: Node

    @property
    def path(self) -> str:
        """The file or folder, relative to the other repository's root.

        Raises `UnexpectedAnswer` where it is none.
        """
        told = self.node.get("path")
        path = posixpath.normpath(told.text().lstrip("/"))
        if path == "." or path.startswith("../") or path == "..":
            raise told.wrong("is not a file or folder of a repository")
        return path

    @property
    def config_file(self) -> str:
        """The file of the importing repository with the configuration, relative to its DVC's root.

        '' where there is none. Raises `UnexpectedAnswer` where it is outside of the repository.
        """
        told = self._told("config")
        if not isinstance(told.value, str):
            return ""
        path = posixpath.normpath(told.text())
        if posixpath.isabs(path) or path == ".." or path.startswith("../"):
            raise told.wrong("is outside of the repository")
        return path

    def source(self, config: str) -> ImportSource:
        """Return the repository it came from; `config` is the text of the file `config_file`.

        Raises `BadInput` where it may not be fetched from there, `UnexpectedAnswer` where that
        cannot be told.
        """
        commit = self._told("rev_lock")
        if not _COMMIT.fullmatch(commit.text()):
            raise commit.wrong("is not the full hash of a commit")
        remote, inline = self._told("remote"), self._told("config")
        if isinstance(inline.value, dict):
            config = _inline(inline)
        if isinstance(remote.value, str):
            config = _over(config, remote.text())
        options = _options(remote) if isinstance(remote.value, dict) else {}
        return ImportSource(self._address(), commit.text(), config, tuple(sorted(options.items())))

    def _address(self) -> RepositoryUrl:
        told = self._told("url")
        try:
            address = RepositoryUrl.parse(told.text())
        except BadInput:  # its text may hold a password, and speaks of the input
            address = None
        if address is None or address.form == "short":
            raise BadInput(
                f"{told.place} is not the address of a repository that can be fetched",
                "Import it by its https or ssh address: a folder is not the same elsewhere",
            )
        return address

    def _told(self, key: str) -> Node:
        return self.node.get("repo").get(key)


def read(dvc_file: Node) -> Import | None:
    """Return the import that a `.dvc` file tells; None where its output is no imported one.

    As DVC has it: one output, one dependency, in a repository, and no command.
    """
    outs, deps = dvc_file.get("outs").sequence(), dvc_file.get("deps").sequence()
    if len(outs) != 1 or len(deps) != 1 or dvc_file.get("cmd").value:
        return None
    return Import(deps[0]) if deps[0].get("repo").value else None


def check_imported_file(path: str, imported: Digest, found: Digest | None) -> Digest:
    """Return the digest that an imported file is checked against.

    DVC 2 and 3 have another digest of one text. Raises `ContentMismatch` where both digests are of
    one kind and differ.
    """
    if found is None or found == imported:
        return imported
    if found.hex == imported.hex:
        return Digest("md5", imported.hex)
    if found.algorithm == imported.algorithm or {".dir"} & {found.hex[32:], imported.hex[32:]}:
        raise _differs(path, imported, found)
    return imported


def check_imported_folder(
    path: str, imported: Digest, found: Mapping[str, Digest | None]
) -> Mapping[str, Digest]:
    """Return the digests that the files of an imported folder are checked against, as in `found`.

    They are by path relative to the folder. Raises `ContentMismatch` where DVC's digest of all of
    them is not `imported`, unless DVC 2 made one of the two: then only the bytes can tell, and
    each file's own digest, which the pinned commit names, is what it is checked against.
    """
    known = {name: digest for name, digest in found.items() if digest is not None}
    whole = folder_digest((name, digest.hex) for name, digest in known.items())
    if len(known) < len(found):
        raise _differs(path, imported, whole)
    if whole.hex != imported.hex:
        if all(digest.algorithm == imported.algorithm for digest in known.values()):
            raise _differs(path, imported, whole)
        return known
    return {
        name: Digest(imported.algorithm, digest.hex) if digest.algorithm != "md5" else digest
        for name, digest in known.items()
    }


def _differs(path: str, imported: Digest, found: Digest) -> ContentMismatch:
    return ContentMismatch(
        f"{printable(path, 200)} is not what was imported: it is {found} there, and not {imported}",
        "Bring the import up to date with `dvc update`, and commit it",
    )


def _inline(told: Node) -> str:
    core, remotes = told.get("core"), told.get("remote")
    return _written(
        {name: _options(options) for name, options in remotes.mapping().items()},
        core.get("remote").text(),
    )


def _options(told: Node) -> dict[str, str]:
    return {
        name: str(option.value)
        for name, option in told.mapping().items()
        if isinstance(option.value, (str, int, float))
    }


def _over(config: str, default: str) -> str:
    """Return `config` with another default remote."""
    try:
        written = ConfigObj(config.splitlines(), interpolation=False)
    except ConfigObjError:  # of a file, which is told where it is read
        return config
    written.setdefault("core", {})["remote"] = default
    return "\n".join(written.write())


def _written(remotes: Mapping[str, Mapping[str, str]], default: str = "") -> str:
    """Return the configuration in the format of DVC's files."""
    config = ConfigObj(interpolation=False)
    if default:
        config["core"] = {"remote": default}
    for name, options in remotes.items():
        config[f'remote "{name}"'] = dict(options)
    try:
        return "\n".join(config.write())
    except ConfigObjError:  # its text has the value, which may be a secret
        raise UnexpectedAnswer("an import has settings of a remote that are not valid") from None
