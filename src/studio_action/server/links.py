"""URLs of the files that the server itself sends: signed, and good for an hour. Pure.

    BASE/files/folders/NAME/PATH?Expires=UNIX&KeyId=ID&Signature=HEX
    BASE/files/repositories/OWNER/NAME/OBJECT/files/md5/ab/cdef…?…
    BASE/files/remotes/OWNER/NAME/REMOTE/PATH?…

The path ends with DVC's own key, by which a client can check the bytes, and `Expires` is where
clients look for the end of a signed URL. What is signed is the decoded path and the moment, so
that a proxy may write the path in another way, and any address of the server will do.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.remotes.base import LIFETIME
from studio_action.model.digest import Digest
from studio_action.model.paths import check_path
from studio_action.text import printable


@dataclass(frozen=True, slots=True)
class InFolder:
    """A file of a DVC remote that is one of the server's `folders`; `path` is relative to it."""

    folder: str
    path: str


@dataclass(frozen=True, slots=True)
class InMirror:
    """A file that the repository itself holds, by the name of its Git object."""

    repository: str
    object: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class InWebRemote:
    """A file of a web remote that needs a password; `path` is relative to the remote's url.

    The url, and the password, are in the server's configuration of the repository.
    """

    repository: str
    remote: str
    path: str


FileHere = InFolder | InMirror
"""What is a file of this machine, or can be made one."""
ServedFile = FileHere | InWebRemote

Link = Callable[[ServedFile], str]
"""The signed URL of a file, as the one who asks can reach it."""


@dataclass(frozen=True, slots=True)
class Key:
    """What links are signed with; `id` is in each link, the secret never."""

    id: str
    secret: bytes = field(repr=False)


class BadLink(Exception):
    """A link that opens nothing: it was changed, its key is gone, or its hour is over."""


_EXPIRED = "This link has expired. Ask for a new one."
_INVALID = "This link is not valid. Ask for a new one."

_PATH = re.compile(
    r"folders/(?P<folder>[^/]+)/(?P<path>.+)"
    r"|repositories/(?P<repository>.+)/(?P<object>[0-9a-f]{40}|[0-9a-f]{64})"
    r"/files/md5/(?P<head>[0-9a-f]{2})/(?P<tail>[0-9a-f]{30})"
    # A proxy that decodes twice would read an escape in a name as what it stands for.
    r"|remotes/(?P<of>[^/]+/[^/]+)/(?P<remote>[^/]+)/(?P<key>(?:[^%]|%(?![0-9A-Fa-f]{2}))+)",
    re.DOTALL,
)
_QUERY = re.compile(
    r"Expires=(?P<expires>[1-9][0-9]{0,10})&KeyId=(?P<key>[\w-]{1,64})"
    r"&Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)


def signed(base: str, file: ServedFile, key: Key, now: datetime) -> str:
    """The URL of `file` below the server's address `base`, good for an hour.

    Raises `UnexpectedAnswer` for a path that no server would give out.
    """
    path = _path_of(file)
    check_path(path)
    if _file_at(path) != file:
        raise UnexpectedAnswer(f"{printable(path, 200)!r} is no path that a link can name")
    expires = int((now + LIFETIME).timestamp())
    signature = _signature(path, expires, key.secret)
    query = f"Expires={expires}&KeyId={key.id}&Signature={signature}"
    return f"{base.rstrip('/')}/files/{quote(path)}?{query}"


def checked(
    path: str, query: str, secret_of: Callable[[str], bytes | None], now: datetime
) -> ServedFile:
    """The file that a link names; raises `BadLink`, whose text may be shown.

    `path` is what follows `/files/` in the URL, decoded; `query` is the URL's, as it was sent.
    """
    told = _QUERY.fullmatch(query)
    file = _file_at(path)
    if told is None or file is None:
        raise BadLink(_INVALID)
    expires = int(told["expires"])
    if now.timestamp() >= expires:
        raise BadLink(_EXPIRED)
    secret = secret_of(told["key"])
    if secret is None or not hmac.compare_digest(
        _signature(path, expires, secret), told["signature"]
    ):
        raise BadLink(_INVALID)
    return file


def _signature(path: str, expires: int, secret: bytes) -> str:
    return hmac.digest(secret, f"{expires}\n{path}".encode(), "sha256").hex()


def _path_of(file: ServedFile) -> str:
    match file:
        case InFolder(folder, path):
            return f"folders/{folder}/{path}"
        case InMirror(repository, name, digest):
            key = f"files/md5/{digest.hex[:2]}/{digest.hex[2:]}"
            return f"repositories/{repository}/{name}/{key}"
        case InWebRemote(repository, remote, path):
            return f"remotes/{repository}/{remote}/{path}"


def _file_at(path: str) -> ServedFile | None:
    """What a link's path names; None for what no link of ours would."""
    found = _PATH.fullmatch(path)
    if found is None or not _is_safe(path):
        return None
    if found["folder"]:
        return InFolder(found["folder"], found["path"])
    if found["remote"]:
        return InWebRemote(found["of"], found["remote"], found["key"])
    digest = Digest("md5", found["head"] + found["tail"])
    return InMirror(found["repository"], found["object"], digest)


def _is_safe(path: str) -> bool:
    try:
        check_path(path)
    except UnexpectedAnswer:
        return False
    return True
