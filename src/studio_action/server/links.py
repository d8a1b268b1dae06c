"""Signed URLs, valid for an hour, of the files that the server itself sends. Pure.

    BASE/files/folders/NAME/PATH?Expires=UNIX&Token=ID&Repository=OWNER/NAME&KeyId=ID&Signature=HEX
    BASE/files/repositories/OWNER/NAME/OBJECT/files/md5/ab/cdef…?…
    BASE/files/remotes/OWNER/NAME/REMOTE/PATH?…

The path ends with DVC's own key, so that a client can check the bytes, and clients look for
`Expires` in signed URLs. `Token` is the id of the token that asked for the URL, and `Repository`
the one it asked about, so that a URL can be refused once that token may not read it. The signature
covers the decoded path and the rest of the query: a proxy may encode the path differently, and any
address of the server works.
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
    """A file in one of the server's `folders`, named `folder`; `path` is relative to it."""

    folder: str
    path: str


@dataclass(frozen=True, slots=True)
class InMirror:
    """A file in the Git repository itself, by the name of its Git object."""

    repository: str
    object: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class InWebRemote:
    """A file of a web remote that needs a password; `path` is relative to the remote's URL.

    The server's configuration of the repository has the URL and the password.
    """

    repository: str
    remote: str
    path: str


LocalFile = InFolder | InMirror
"""A file of this machine, or one that can be extracted from a mirror."""
ServedFile = LocalFile | InWebRemote

Link = Callable[[ServedFile], str]
"""Returns the signed URL of a file, at the address that the client uses."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Who a URL was made for: the id of a token, and the repository that it asked about."""

    token: str
    repository: str


@dataclass(frozen=True, slots=True)
class Key:
    """A key that signs URLs; each URL has the `id`, never the secret."""

    id: str
    secret: bytes = field(repr=False)


class BadLink(Exception):
    """The signed URL is invalid: it was changed, has expired, or its key is gone."""


REFUSED = "This link is not valid any more. Ask for a new one."
"""For a URL whose token was revoked, or may not read the repository any more."""
_EXPIRED = "This link has expired. Ask for a new one."
_INVALID = "This link is not valid. Ask for a new one."

_PATH = re.compile(
    r"folders/(?P<folder>[^/]+)/(?P<path>.+)"
    r"|repositories/(?P<repository>.+)/(?P<object>[0-9a-f]{40}|[0-9a-f]{64})"
    r"/files/md5/(?P<head>[0-9a-f]{2})/(?P<tail>[0-9a-f]{30})"
    # No escapes in names: a proxy that decodes twice would change them.
    r"|remotes/(?P<of>[^/]+/[^/]+)/(?P<remote>[^/]+)/(?P<key>(?:[^%]|%(?![0-9A-Fa-f]{2}))+)",
    re.DOTALL,
)
_QUERY = re.compile(
    r"Expires=(?P<expires>[1-9][0-9]{0,10})"
    r"&Token=(?P<token>[0-9a-f]{1,64})&Repository=(?P<repository>[\w./-]{1,1000})"
    r"&KeyId=(?P<key>[\w-]{1,64})&Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)


def sign(base_url: str, file: ServedFile, grant: Grant, key: Key, now: datetime) -> str:
    """Return a URL of `file`, valid for an hour, below the server's address `base_url`.

    Raise `UnexpectedAnswer` if the file's path cannot be in a URL.
    """
    path = _path_of(file)
    check_path(path)
    if _file_at(path) != file:
        raise UnexpectedAnswer(f"{printable(path, 200)!r} cannot be the path of a signed URL")
    expires = int((now + LIFETIME).timestamp())
    signature = _signature(path, expires, grant, key.secret)
    asked = f"Token={grant.token}&Repository={grant.repository}"
    query = f"Expires={expires}&{asked}&KeyId={key.id}&Signature={signature}"
    return f"{base_url.rstrip('/')}/files/{quote(path)}?{query}"


def verify(
    path: str, query: str, find_secret: Callable[[str], bytes | None], now: datetime
) -> tuple[ServedFile, Grant]:
    """Return the file of a signed URL and whom it is for; raise `BadLink` with a message.

    `path` is the decoded part after `/files/`, `query` the query as it was sent.
    """
    match = _QUERY.fullmatch(query)
    file = _file_at(path)
    if match is None or file is None:
        raise BadLink(_INVALID)
    expires = int(match["expires"])
    if now.timestamp() >= expires:
        raise BadLink(_EXPIRED)
    grant = Grant(match["token"], match["repository"])
    secret = find_secret(match["key"])
    if secret is None or not hmac.compare_digest(
        _signature(path, expires, grant, secret), match["signature"]
    ):
        raise BadLink(_INVALID)
    return file, grant


def _signature(path: str, expires: int, grant: Grant, secret: bytes) -> str:
    signed = f"{expires}\n{grant.token}\n{grant.repository}\n{path}"
    return hmac.digest(secret, signed.encode(), "sha256").hex()


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
    """Return the file at a URL's path; None if no signed URL has such a path."""
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
