"""Files that are kept at an address of their own, in no DVC remote. Pure.

DVC's files name them by a URL: as the path of an artifact, or as what `dvc import-url` took an
output from (https://dvc.org/doc/command-reference/import-url). It is somebody's text, and nothing
that comes from there needs to be what it was: what DVC noted of it is checked, where it did.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from studio_action.errors import BadInput
from studio_action.gitrepo.dvc.documents import Node
from studio_action.gitrepo.internal_addresses import is_cloud_metadata_address
from studio_action.model.digest import Digest
from studio_action.text import printable, redact

_URL = re.compile(r"(?P<scheme>[A-Za-z][\w+.-]*)://[^/]")
_OF_URLS = "!#$%&'()*+,/:;=?@[]~"
"""What means something in a URL (https://www.rfc-editor.org/rfc/rfc3986#section-2.2)."""


@dataclass(frozen=True, slots=True)
class ExternalFile:
    """A file at `url`, which is delivered as `path`.

    `etag` is what the storage called its content when DVC looked, `version_id` the storage's name
    of that version, '' where neither is known; `size` is in bytes.
    """

    path: str
    url: str = field(repr=False)
    etag: str = ""
    version_id: str = ""
    size: int | None = None
    digest: Digest | None = None
    executable: bool = False

    @property
    def scheme(self) -> str:
        """What kind of storage it is, `s3` for instance."""
        return scheme_of(self.url)


def scheme_of(text: str) -> str:
    """Return the scheme of a URL in lower case; '' for a path, also one in the form `file://`."""
    found = _URL.match(text)
    return found["scheme"].lower() if found else ""


def artifact(folder: str, node: Node) -> ExternalFile:
    """Return what is annotated in the repository's `folder` with a URL as its path: a file in
    there.

    Its name is the last part of the URL. Raises `BadInput` where it may not be read, or where it
    names a folder.
    """
    url = node.text()
    _check(node, url)
    name = posixpath.basename(urlsplit(url).path if _is_web(url) else url.partition("://")[2])
    return ExternalFile(posixpath.join(folder, unquote(name) if _is_web(url) else name), url)


def dependency(dvc_file: Node) -> Node | None:
    """Return what `dvc import-url` took the output of a `.dvc` file from; None if it took none.

    As DVC has it: one output, one dependency, and no command.
    """
    outs, deps = dvc_file.get("outs").sequence(), dvc_file.get("deps").sequence()
    if len(outs) != 1 or len(deps) != 1 or dvc_file.get("cmd").value:
        return None
    told = deps[0]
    is_url = not told.get("repo").value and scheme_of(told.get("path").text())
    return told if is_url else None


def imported(path: str, told: Node, digest: Digest | None) -> Iterator[ExternalFile]:
    """Yield the files of the output at `path`, which was imported from the URL that `told` names.

    `digest` is that of the output. Raises `BadInput` where they may not be read there.
    """
    url = told.get("path").text()
    files = told.get("files").sequence()
    if not files:
        _check(told.get("path"), url)
        yield _file(path, url, told, digest)
    for file in files:
        name = file.get("relpath").text()
        at = f"{url.rstrip('/')}/{quote(name) if _is_web(url) else name}"
        _check(file.get("relpath"), at)
        md5 = file.get("md5").text()
        yield _file(posixpath.join(path, name), at, file, _md5(file) if md5 else None)


def _file(path: str, url: str, told: Node, digest: Digest | None) -> ExternalFile:
    noted = told.get("checksum" if _is_web(url) else "etag")
    return ExternalFile(
        path,
        url,
        str(noted.value or ""),
        told.get("version_id").text(),
        told.get("size").size(),
        digest,
        told.get("isexec").flag(default=False),
    )


def _md5(told: Node) -> Digest:
    try:
        return Digest.parse(f"md5:{told.get('md5').text()}")
    except ValueError as error:
        raise told.get("md5").wrong("is not an MD5") from error


def _check(node: Node, url: str) -> None:
    shown = printable(redact(url), 200)
    if scheme_of(url) in ("", "file"):
        raise BadInput(f"{node.place} is a local path, which cannot be read: {shown!r}")
    if url.endswith("/") or node.value in ("", None):
        raise BadInput(
            f"{node.place} is a folder outside of the remotes: {shown!r}",
            "Such a folder cannot be listed: track it with DVC, or name its files",
        )
    if {".", ".."} & set(unquote(url).split("/")) or not url.isprintable() or not _is_url(url):
        raise BadInput(f"{node.place} is not the address of a file: {shown!r}")
    if _has_user_info(url):
        raise BadInput(
            f"{node.place} has a user name or password that everybody can read: {shown!r}",
            "Keep the file in a remote, and its password outside of the repository",
        )
    if is_cloud_metadata_address(url):
        raise BadInput(f"{node.place} is an internal address of a cloud: {shown!r}")


def _is_url(url: str) -> bool:
    """Return whether it can be read as a URL, with a host."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port, or of brackets
        return False


def _has_user_info(url: str) -> bool:
    """Return whether it names a user or a password; in Azure's `container@account`, none is."""
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    return bool(at) and (_is_web(url) or ":" in user)


def _is_web(url: str) -> bool:
    return scheme_of(url) in ("http", "https")


def web_address(url: str) -> str:
    """Return a URL of the web as it is sent: with escapes where it has none, and without a
    fragment.
    """
    return quote(url.partition("#")[0], safe=_OF_URLS)
