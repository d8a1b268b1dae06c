"""Files over HTTP, to whoever has a signed link: those of this machine, fast and resumable.

What is in the page cache is read on the event loop, which costs less than a thread that is woken;
what has to come from a disk is read in threads of its own, so that a slow one stops nobody.
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
from studio_action.server.files.ranges import Part, part
from studio_action.server.links import BadLink, InFolder, InMirror, InWebRemote, LocalFile

BLOCK = 1 << 18
"""Bytes that are read and sent at once; a connection holds two or three of them in memory."""
_AHEAD = 1 << 22
"""Bytes that the kernel is told to bring from the disk when the first of them is missing."""
_DISK_THREADS = 16

HEADERS = {
    "cache-control": "private",
    "content-disposition": "attachment",
    "content-type": "application/octet-stream",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class _Open:
    """A file that is being sent; `file` is its descriptor."""

    file: int
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Files:
    """The ASGI application of `/files/{path:path}`; it answers GET and HEAD.

    `secret_of` knows the keys of links, `file_of` the path of a file, without a symbolic link in
    it; both may block, and `file_of` raises `ObjectMissing` for a file that is not there. `relay`
    answers where the file is not of this machine.
    """

    secret_of: Callable[[str], bytes | None]
    file_of: Callable[[LocalFile], Path]
    utc: Callable[[], datetime]
    relay: Callable[[InWebRemote, Scope, Receive, Send], Awaitable[None]]
    _threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_DISK_THREADS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what the link opens: 200, 206, 304 or 416; 403 for a bad link, 404 for no file."""
        path, query = scope["path_params"]["path"], scope["query_string"].decode("latin-1")
        try:
            found = await to_thread.run_sync(self._open, path, query, limiter=self._threads)
        except BadLink as error:
            await JSONResponse({"detail": str(error)}, 403)(scope, receive, send)
        except ObjectMissing as error:
            await JSONResponse({"detail": str(error)}, 404)(scope, receive, send)
        else:
            if isinstance(found, InWebRemote):
                await self.relay(found, scope, receive, send)
                return
            try:
                await self._answer(found, scope, receive, send)
            finally:
                os.close(found.file)

    def _open(self, path: str, query: str) -> _Open | InWebRemote:
        served = links.verify(path, query, self.secret_of, self.utc())
        if isinstance(served, InWebRemote):
            return served
        file = _opened(self.file_of(served))
        facts = os.fstat(file)
        if not stat.S_ISREG(facts.st_mode):
            os.close(file)
            raise missing()
        return _Open(file, facts.st_size, _etag(served, facts))

    async def _answer(self, found: _Open, scope: Scope, receive: Receive, send: Send) -> None:
        asked = part(scope["method"], Headers(scope=scope), found.size, found.etag)
        headers = {**HEADERS, "accept-ranges": "bytes", "etag": found.etag, **asked.headers}
        if asked.status != 304:
            headers["content-length"] = str(asked.length)
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": asked.status, "headers": raw})
        if scope["method"] == "HEAD" or not asked.length:
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._stream(found.file, asked, receive, send)

    async def _stream(self, file: int, asked: Part, receive: Receive, send: Send) -> None:
        """Send the bytes of `asked`, until the client goes away."""
        gone = asyncio.ensure_future(disconnected(receive))
        space = memoryview(bytearray(min(BLOCK, asked.length)))
        at = asked.start
        try:
            while at < asked.end and not gone.done():
                block = _from_cache(file, space[: asked.end - at], at)
                if block is None:
                    block = await to_thread.run_sync(
                        _from_disk, file, min(BLOCK, asked.end - at), at, limiter=self._threads
                    )
                if not block:
                    raise ObjectMissing("a file became shorter while it was sent")
                at += len(block)
                more = at < asked.end
                await send({"type": "http.response.body", "body": block, "more_body": more})
                await asyncio.sleep(0)  # a client that takes all at once lets others have a turn
        finally:
            gone.cancel()


async def disconnected(receive: Receive) -> None:
    """Wait until the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _from_cache(file: int, space: memoryview, at: int) -> bytes | None:
    """Bytes from `at` that fit into `space`; None where they would have to be waited for."""
    try:
        return bytes(space[: os.preadv(file, [space], at, os.RWF_NOWAIT)])
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EOPNOTSUPP):  # not every file system can say
            return None
        raise


def _from_disk(file: int, size: int, at: int) -> bytes:
    os.posix_fadvise(file, at, _AHEAD, os.POSIX_FADV_WILLNEED)
    return os.pread(file, size, at)


def _opened(path: Path) -> int:
    """A descriptor of the file at an absolute path; symbolic links are not followed anywhere.

    Whoever may write into a folder could put one there after the path was checked.
    """
    here = os.open(path.anchor, os.O_PATH)
    try:
        for folder in path.parts[1:-1]:
            inner = os.open(folder, os.O_PATH | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = inner
        # A pipe without a writer would be waited for.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        return os.open(path.name, flags, dir_fd=here)
    except (FileNotFoundError, NotADirectoryError):
        raise missing() from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise missing() from None
        raise
    finally:
        os.close(here)


def missing() -> ObjectMissing:
    """The error for a file that its link still names."""
    return ObjectMissing("The file is not there", "Push the model again, with `dvc push`")


def _etag(served: LocalFile, facts: os.stat_result) -> str:
    """The digest that the link tells, which is the same on every server, or the file's own."""
    digest = _digest(served)
    if digest is not None and digest.algorithm == "md5":
        return f'"{digest.hex}"'
    return f'"{facts.st_size:x}-{facts.st_mtime_ns:x}-{facts.st_ino:x}"'


def _digest(served: LocalFile) -> Digest | None:
    match served:
        case InMirror(digest=digest):
            return digest
        case InFolder(path=path):
            return digest_in_url(f"file:///{path}")
