"""Files of this machine over HTTP: real bytes, over loopback."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from studio_action.errors import ObjectMissing
from studio_action.model.digest import Digest
from studio_action.server import links
from studio_action.server.api.threads import THREADS_EACH, RepositoryThreads
from studio_action.server.files import serving
from studio_action.server.files.serving import BLOCK, Files
from studio_action.server.links import Grant, InFolder, InMirror, InWebRemote, Key, LocalFile
from tests.server.loopback import served
from tests.server.site import MODELS

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
KEY = Key("k1", b"a secret of the server")
GRANT = Grant("0123456789abcdef", "acme/models")
CONTENT = bytes(range(256)) * 8
MD5 = "0123456789abcdef0123456789abcdef"


class Storage:
    """A folder that is served, and links to what is in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.revoked: set[str] = set()
        self.base = ""

    def add(self, path: str, content: bytes) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    def find_path(self, served: LocalFile) -> Path:
        match served:
            case InFolder("models", path):
                return self.folder / path
            case InMirror(object=name):
                return self.folder / name
        raise ObjectMissing("no such folder")

    def link(self, path: str) -> str:
        return links.sign(self.base, InFolder("models", path), GRANT, KEY, NOW)

    def get(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(method, self.link(path), headers=sent, timeout=10)


async def elsewhere(file: InWebRemote, scope: Any, receive: Any, send: Any) -> None:
    """What sends the files that are not of this machine."""
    await PlainTextResponse(f"relayed: {file.remote} {file.path}")(scope, receive, send)


def test_get__a_file_that_is_not_of_this_machine(storage: Storage) -> None:
    file = InWebRemote("acme/models", "web", "a/b")

    answer = requests.get(links.sign(storage.base, file, GRANT, KEY, NOW), timeout=10)

    assert answer.text == "relayed: web a/b"


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = Storage(Path(os.path.realpath(tmp_path)) / "models")
    storage.add("churn.pkl", CONTENT)
    with served(Starlette(routes=[Route("/files/{path:path}", application(storage))])) as base:
        storage.base = base
        yield storage


def test_get__the_whole_file(storage: Storage) -> None:
    answer = storage.get("churn.pkl")

    assert (answer.status_code, answer.content) == (200, CONTENT)
    told = {name: answer.headers[name] for name in ("accept-ranges", *serving.HEADERS)}
    assert told == {
        "accept-ranges": "bytes",
        "cache-control": "private",
        "content-disposition": "attachment",
        "content-type": "application/octet-stream",
        "x-content-type-options": "nosniff",
    }


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 17])
def test_get__files_around_the_size_of_a_block(storage: Storage, size: int) -> None:
    content = os.urandom(size)
    storage.add("some", content)

    answer = storage.get("some")

    assert answer.headers["content-length"] == str(size)
    assert answer.content == content


def test_get__a_name_with_everything_in_it(storage: Storage) -> None:
    storage.add("modèles/a b%2F+?#&=.pkl", b"odd")

    assert storage.get("modèles/a b%2F+?#&=.pkl").content == b"odd"


def test_get__a_part(storage: Storage) -> None:
    answer = storage.get("churn.pkl", range="bytes=100-299")

    assert (answer.status_code, answer.content) == (206, CONTENT[100:300])
    assert answer.headers["content-range"] == f"bytes 100-299/{len(CONTENT)}"
    assert answer.headers["content-length"] == "200"


def test_get__a_part_across_blocks(storage: Storage) -> None:
    content = os.urandom(3 * BLOCK)
    storage.add("large", content)

    answer = storage.get("large", range=f"bytes={BLOCK - 5}-{2 * BLOCK + 5}")

    assert answer.content == content[BLOCK - 5 : 2 * BLOCK + 6]


def test_get__a_part_beyond_the_end(storage: Storage) -> None:
    answer = storage.get("churn.pkl", range=f"bytes={len(CONTENT)}-")

    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"


def test_get__what_was_not_changed(storage: Storage) -> None:
    etag = storage.get("churn.pkl").headers["etag"]

    answer = storage.get("churn.pkl", if_none_match=etag)

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == etag
    assert "content-length" not in answer.headers


def test_get__the_rest_of_a_file_that_was_changed_is_all_of_it(storage: Storage) -> None:
    etag = storage.get("churn.pkl").headers["etag"]
    storage.add("churn.pkl", b"other bytes")

    answer = storage.get("churn.pkl", range="bytes=4-", if_range=etag)

    assert (answer.status_code, answer.content) == (200, b"other bytes")


def test_head__tells_all_but_the_bytes(storage: Storage) -> None:
    got, told = storage.get("churn.pkl"), storage.get("churn.pkl", "HEAD")

    assert (told.status_code, told.content) == (200, b"")
    assert {**told.headers, "date": ""} == {**got.headers, "date": ""}


def test_get__the_etag_is_the_digest_that_the_path_tells(storage: Storage) -> None:
    path = f"files/md5/{MD5[:2]}/{MD5[2:]}"
    storage.add(path, CONTENT)

    assert storage.get(path).headers["etag"] == f'"{MD5}"'


def test_get__the_etag_of_a_find_path_a_mirror_is_its_digest(storage: Storage) -> None:
    storage.add("a" * 40, CONTENT)
    file = InMirror("acme/models", "a" * 40, Digest("md5", MD5))

    answer = requests.get(links.sign(storage.base, file, GRANT, KEY, NOW), timeout=10)

    assert (answer.content, answer.headers["etag"]) == (CONTENT, f'"{MD5}"')


def test_get__the_etag_of_dvc_2_is_not_the_digest_which_is_not_of_the_bytes(
    storage: Storage,
) -> None:
    storage.add(f"{MD5[:2]}/{MD5[2:]}", CONTENT)

    assert MD5 not in storage.get(f"{MD5[:2]}/{MD5[2:]}").headers["etag"]


def test_get__a_link_that_was_changed(storage: Storage) -> None:
    storage.add("secret.pkl", b"secret")

    answer = requests.get(storage.link("churn.pkl").replace("churn", "secret"), timeout=10)

    assert answer.status_code == 403
    assert answer.json() == {"detail": "This link is not valid. Ask for a new one."}


def test_get__a_link_that_has_expired(storage: Storage) -> None:
    storage.now = NOW + timedelta(hours=1)

    answer = storage.get("churn.pkl")

    assert answer.status_code == 403
    assert answer.json() == {"detail": "This link has expired. Ask for a new one."}


def lies_outside(storage: Storage) -> Path:
    outside = storage.folder.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    return outside


def no_file(storage: Storage) -> None: ...


def a_folder(storage: Storage) -> None:
    (storage.folder / "a/b").mkdir(parents=True)


def a_file_for_a_folder(storage: Storage) -> None:
    storage.add("a", b"")


def a_link_out(storage: Storage) -> None:
    (storage.folder / "a").mkdir()
    (storage.folder / "a/b").symlink_to(lies_outside(storage) / "secret")


def a_folder_that_is_a_link_out(storage: Storage) -> None:
    outside = lies_outside(storage)
    (outside / "b").write_bytes(b"secret")
    (storage.folder / "a").symlink_to(outside)


def a_pipe(storage: Storage) -> None:
    (storage.folder / "a").mkdir()
    os.mkfifo(storage.folder / "a/b")


@pytest.mark.parametrize(
    "made",
    [no_file, a_folder, a_file_for_a_folder, a_link_out, a_folder_that_is_a_link_out, a_pipe],
    ids=lambda made: made.__name__,
)
def test_get__what_is_no_find_path_the_folder(
    storage: Storage, made: Callable[[Storage], None]
) -> None:
    made(storage)

    answer = storage.get("a/b")

    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("The file is missing")
    assert not opened(storage.folder.parent)


def test_get__the_token_was_revoked(storage: Storage) -> None:
    assert storage.get("churn.pkl").status_code == 200

    storage.revoked.add(GRANT.token)

    answer = storage.get("churn.pkl")
    refusal = "This link is not valid any more. Ask for a new one."
    assert (answer.status_code, answer.json()) == (403, {"detail": refusal})


def test_get__a_mirror_that_hangs_holds_up_no_other_file(storage: Storage) -> None:
    threads, go = RepositoryThreads([MODELS]), threading.Event()
    held = InMirror(MODELS.name, "a" * 40, Digest("md5", MD5))
    path = storage.add("a" * 40, CONTENT)

    def find_path(file: LocalFile) -> Path:
        if isinstance(file, InMirror):
            assert go.wait(10)
            return path
        return storage.find_path(file)

    files = replace(application(storage), find_path=find_path, threads_of=threads.of)
    with (
        served(Starlette(routes=[Route("/files/{path:path}", files)])) as base,
        ThreadPoolExecutor(40) as clients,
    ):
        link = links.sign(base, held, GRANT, KEY, NOW)
        waiting = [clients.submit(requests.get, link, timeout=20) for _ in range(40)]
        limiter = threads.of(MODELS.name)
        assert limiter is not None
        while limiter.borrowed_tokens < THREADS_EACH:
            os.sched_yield()

        free = links.sign(base, InFolder("models", "churn.pkl"), GRANT, KEY, NOW)
        assert requests.get(free, timeout=5).content == CONTENT

        go.set()
        assert {each.result().content for each in waiting} == {CONTENT}


def test_get__a_folder_that_is_not_served(storage: Storage) -> None:
    link = links.sign(storage.base, InFolder("gone", "churn.pkl"), GRANT, KEY, NOW)

    answer = requests.get(link, timeout=10)

    assert (answer.status_code, answer.json()) == (404, {"detail": "no such folder"})


def test_get__many_at_once(storage: Storage) -> None:
    content = os.urandom(9 * BLOCK)
    storage.add("large", content)
    link, found = storage.link("large"), []

    def get() -> None:
        found.append(requests.get(link, timeout=30).content == content)

    threads = [threading.Thread(target=get) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [True] * 16


def test_get__a_client_that_goes_away_leaves_no_open_file(storage: Storage) -> None:
    large = storage.add("large", b"")
    os.truncate(large, 1 << 30)
    address = urlsplit(storage.link("large"))
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(f"GET {address.path}?{address.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.recv(1 << 16)
        assert opened(large)

    storage.get("churn.pkl")  # so that the server has had a turn or two

    assert until(lambda: not opened(large))


def opened(place: Path) -> bool:
    """Whether this process has a file open at or below `place`."""
    return any(place in (target, *target.parents) for target in open_files())


def open_files() -> Iterator[Path]:
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            yield descriptor.readlink()


def until(true: Callable[[], bool]) -> bool:
    """Whether it becomes true, within so many questions of the kernel."""
    return any(true() for _ in range(10_000))


def asked(storage: Storage, path: str) -> dict[str, Any]:
    address = urlsplit(storage.link(path))
    return {
        "type": "http",
        "method": "GET",
        "headers": [],
        "query_string": address.query.encode(),
        "path_params": {"path": address.path.removeprefix("/files/")},
    }


def application(storage: Storage) -> Files:
    return Files(
        {KEY.id: KEY.secret}.get,
        lambda grant: grant.token not in storage.revoked,
        storage.find_path,
        lambda: storage.now,
        elsewhere,
    )


async def for_ever() -> Any:
    await asyncio.Event().wait()


def test_get__a_slow_client_is_waited_for(tmp_path: Path) -> None:
    storage = Storage(Path(os.path.realpath(tmp_path)))
    storage.add("large", bytes(8 * BLOCK))
    sent: list[int] = []

    async def ask() -> None:
        taken = asyncio.Event()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                sent.append(len(message["body"]))
                await taken.wait()

        task = asyncio.create_task(
            application(storage)(asked(storage, "large"), for_ever, send)  # type: ignore[arg-type]
        )
        while not sent:
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
        assert sent == [BLOCK]
        taken.set()
        await task

    asyncio.run(ask())

    assert sent == [BLOCK] * 8


def test_get__a_file_that_becomes_shorter_breaks_off(tmp_path: Path) -> None:
    storage = Storage(Path(os.path.realpath(tmp_path)))
    large = storage.add("large", bytes(3 * BLOCK))

    async def send(message: Any) -> None:
        os.truncate(large, BLOCK)

    with pytest.raises(ObjectMissing, match="shorter"):
        asyncio.run(application(storage)(asked(storage, "large"), for_ever, send))


def test_get__a_file_that_is_not_in_memory(storage: Storage) -> None:
    content = os.urandom(5 * BLOCK + 17)
    large = storage.add("large", content)
    with large.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    assert storage.get("large").content == content
