"""Serves files under signed URLs, those of this machine resumably.

Bytes in the page cache are read on the event loop, which is cheaper than waking a thread; bytes on
a disk are read in separate threads, so that a slow disk delays nothing else.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from studio_action.errors import ObjectMissing
from studio_action.model.digest import Digest, digest_in_url
from studio_action.server import links
from studio_action.server.files.handing_over import HandOver
from studio_action.server.files.ranges import Part, select_part
from studio_action.server.links import (
    BadLink,
    Grant,
    InFolder,
    InMirror,
    InWebRemote,
    LocalFile,
)

BLOCK = 1 << 18
"""The bytes of one read; a connection holds two or three such blocks in memory."""
_AHEAD = 1 << 22
"""The bytes that the kernel is told to read ahead from the disk."""
_DISK_THREADS = 16

HEADERS = {
    "cache-control": "private",
    "content-disposition": "attachment",
    "content-type": "application/octet-stream",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class _OpenFile:
    """An open file; `file` is its descriptor."""

    file: int
    size: int
    etag: str
    path: Path


@dataclass(frozen=True, slots=True)
class Files:
    """The ASGI application of `/files/{path:path}`; it answers GET and HEAD.

    `find_secret` returns the secret of a key id, `may_read` whether the token of a grant still may,
    `find_path` the path of a local file without symbolic links. All may block, and `find_path`
    raises `ObjectMissing` for a missing file.
    `relay` answers for files that are not on this machine. `threads_of` returns the threads of the
    repository of that name, in which its mirror is read: that may have to be fetched first. With
    `hand_over`, the proxy in front sends the files of this machine.
    """

    find_secret: Callable[[str], bytes | None]
    may_read: Callable[[Grant], bool]
    find_path: Callable[[LocalFile], Path]
    utc: Callable[[], datetime]
    relay: Callable[[InWebRemote, Scope, Receive, Send], Awaitable[None]]
    threads_of: Callable[[str], CapacityLimiter | None] = field(default=lambda name: None)
    hand_over: HandOver | None = None
    _threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_DISK_THREADS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file of a signed URL; answer 403 to a bad one, 404 if the file is missing."""
        path, query = scope["path_params"]["path"], scope["query_string"].decode("latin-1")
        try:
            opened = await to_thread.run_sync(self._open, path, query, limiter=self._threads)
            if isinstance(opened, InMirror):
                threads = self.threads_of(opened.repository) or self._threads
                opened = await to_thread.run_sync(self._open_local, opened, limiter=threads)
        except BadLink as error:
            await JSONResponse({"detail": str(error)}, 403)(scope, receive, send)
        except ObjectMissing as error:
            await JSONResponse({"detail": str(error)}, 404)(scope, receive, send)
        else:
            if isinstance(opened, InWebRemote):
                await self.relay(opened, scope, receive, send)
                return
            try:
                await self._send_file(opened, scope, receive, send)
            finally:
                os.close(opened.file)

    def _open(self, path: str, query: str) -> _OpenFile | InMirror | InWebRemote:
        served, grant = links.verify(path, query, self.find_secret, self.utc())
        if not self.may_read(grant):
            raise BadLink(links.REFUSED)
        return self._open_local(served) if isinstance(served, InFolder) else served

    def _open_local(self, served: LocalFile) -> _OpenFile:
        path = self.find_path(served)
        file = _open_file(path)
        info = os.fstat(file)
        if not stat.S_ISREG(info.st_mode):
            os.close(file)
            raise missing()
        return _OpenFile(file, info.st_size, _etag(served, info), path)

    async def _send_file(
        self, opened: _OpenFile, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if self.hand_over is not None:
            await self._hand_over(self.hand_over, opened, send)
            return
        part = select_part(scope["method"], Headers(scope=scope), opened.size, opened.etag)
        headers = {**HEADERS, "accept-ranges": "bytes", "etag": opened.etag, **part.headers}
        if part.status != 304:
            headers["content-length"] = str(part.length)
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": part.status, "headers": raw})
        if scope["method"] == "HEAD" or not part.length:
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._stream(opened.file, part, receive, send)

    async def _hand_over(self, how: HandOver, opened: _OpenFile, send: Send) -> None:
        """Tell the proxy which file to send; ranges and conditions are its own to answer."""
        raw = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        raw += [(b"etag", opened.etag.encode()), (b"content-length", b"0"), how.header(opened.path)]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        await send({"type": "http.response.body", "body": b""})

    async def _stream(self, file: int, part: Part, receive: Receive, send: Send) -> None:
        """Send the bytes of `part`, until the client disconnects."""
        disconnect = asyncio.ensure_future(disconnected(receive))
        space = memoryview(bytearray(min(BLOCK, part.length)))
        at = part.start
        try:
            while at < part.end and not disconnect.done():
                block = _from_cache(file, space[: part.end - at], at)
                if block is None:
                    block = await to_thread.run_sync(
                        _from_disk, file, min(BLOCK, part.end - at), at, limiter=self._threads
                    )
                if not block:
                    raise ObjectMissing("a file became shorter while it was sent")
                at += len(block)
                more = at < part.end
                await send({"type": "http.response.body", "body": block, "more_body": more})
                await asyncio.sleep(0)  # let other connections have a turn
        finally:
            disconnect.cancel()


async def disconnected(receive: Receive) -> None:
    """Wait until the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _from_cache(file: int, space: memoryview, at: int) -> bytes | None:
    """Return bytes from offset `at` that fit into `space`; None if they are not in the cache."""
    try:
        return bytes(space[: os.preadv(file, [space], at, os.RWF_NOWAIT)])
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EOPNOTSUPP):  # not every file system supports this
            return None
        raise


def _from_disk(file: int, size: int, at: int) -> bytes:
    os.posix_fadvise(file, at, _AHEAD, os.POSIX_FADV_WILLNEED)
    return os.pread(file, size, at)


def _open_file(path: Path) -> int:
    """Return a descriptor of the file at an absolute path, without following symbolic links.

    Somebody who can write to a folder could add such a link after the path was checked.
    """
    parent = os.open(path.anchor, os.O_PATH)
    try:
        for folder in path.parts[1:-1]:
            inner = os.open(folder, os.O_PATH | os.O_NOFOLLOW, dir_fd=parent)
            os.close(parent)
            parent = inner
        # O_NONBLOCK: opening a pipe would wait for its writer.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        return os.open(path.name, flags, dir_fd=parent)
    except (FileNotFoundError, NotADirectoryError):
        raise missing() from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise missing() from None
        raise
    finally:
        os.close(parent)


def missing() -> ObjectMissing:
    """Return the error for a missing file that has a valid URL."""
    return ObjectMissing("The file is missing", "Push the model again, with `dvc push`")


def _etag(served: LocalFile, info: os.stat_result) -> str:
    """Return an ETag of the digest in the URL, the same on every server; else of the file."""
    digest = _digest(served)
    if digest is not None and digest.algorithm == "md5":
        return f'"{digest.hex}"'
    return f'"{info.st_size:x}-{info.st_mtime_ns:x}-{info.st_ino:x}"'


def _digest(served: LocalFile) -> Digest | None:
    match served:
        case InMirror(digest=digest):
            return digest
        case InFolder(path=path):
            return digest_in_url(f"file:///{path}")
