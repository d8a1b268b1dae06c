"""What one run leaves behind, the next one goes on with, and never takes for more than it is."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from studio_action.download.partials import Partials, key_of
from studio_action.errors import StudioActionError
from studio_action.model.artifact import RemoteFile
from tests.download.conftest import Fetcher, Heard, contents, of
from tests.download.storage import Reply, Request, Storage

LARGE = os.urandom(12_000_003)


def break_off(storage: Storage, fetcher: Fetcher, file: RemoteFile, requests: int = 2) -> int:
    """Fetch until the storage has served some requests and fails for good; gives what came."""
    fetcher.retries, fetcher.max_connections = 0, 1
    count = len(storage.requests)
    storage.scripts.insert(
        0, lambda _: Reply(500) if len(storage.requests) - count > requests else None
    )
    with pytest.raises(StudioActionError):
        fetcher.fetch(file)
    storage.scripts.clear()
    return sum(
        last + 1 - first for first, last in (each.span or (0, -1) for each in storage.requests[:-1])
    )


@pytest.mark.parametrize("known", [True, False], ids=["digest", "no digest"])
def test_resume(storage: Storage, fetcher: Fetcher, known: bool) -> None:
    url = storage.put("key", LARGE)
    file = of("model", url, LARGE) if known else RemoteFile("model", url)
    came = break_off(storage, fetcher, file)
    fetcher.heard = Heard()

    (fetched,) = fetcher.fetch(file)

    assert fetched.partial.read_bytes() == LARGE
    assert came > 8_000_000
    assert fetched.transferred == len(LARGE) - came
    assert fetcher.heard == Heard(len(LARGE) - came, len(LARGE) - came, 1)


def test_resume__small_files_that_are_whole(storage: Storage, fetcher: Fetcher) -> None:
    bodies = [LARGE[at : at + 3000] for at in range(20)]
    files = [of(f"f{at}", storage.put(f"f{at}", body), body) for at, body in enumerate(bodies)]
    missing = RemoteFile("none", f"{storage.url}/none")
    with pytest.raises(StudioActionError):
        fetcher.fetch(*files, missing)
    before = len(storage.requests)

    fetched = fetcher.fetch(*files)

    assert contents(fetched) == bodies
    assert len(storage.requests) - before < 20


def test_resume__all_there(storage: Storage, fetcher: Fetcher) -> None:
    file = of("model", storage.put("key", LARGE), LARGE)
    fetcher.fetch(file)
    before = len(storage.requests)

    (fetched,) = fetcher.fetch(file)

    assert (fetched.partial.read_bytes(), fetched.transferred) == (LARGE, 0)
    assert len(storage.requests) == before


def test_resume__all_there_but_no_digest(storage: Storage, fetcher: Fetcher) -> None:
    """The storage is asked whether it is still the same, by way of one byte."""
    file = RemoteFile("model", storage.put("key", LARGE))
    fetcher.fetch(file)

    (fetched,) = fetcher.fetch(file)

    assert (fetched.partial.read_bytes(), fetched.transferred) == (LARGE, 1)


@pytest.mark.parametrize("heeded", [True, False], ids=["If-Range heeded", "If-Range ignored"])
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "in part"])
def test_resume__changed_and_no_digest(
    storage: Storage, fetcher: Fetcher, whole: bool, heeded: bool
) -> None:
    file = RemoteFile("model", storage.put("key", LARGE))
    if whole:
        fetcher.fetch(file)
    else:
        break_off(storage, fetcher, file)
    after = bytes(reversed(LARGE))
    storage.put("key", after)
    if not heeded:
        storage.always(
            lambda request: storage.serve(
                Request(request.path, {"range": request.headers.get("range", "")}), after
            )
        )
    fetcher.retries = 2

    assert contents(fetcher.fetch(file)) == [after]


def test_resume__other_content_of_the_same_path(storage: Storage, fetcher: Fetcher) -> None:
    """Another version of the model has its own partial file."""
    break_off(storage, fetcher, of("model", storage.put("key", LARGE), LARGE))
    after = LARGE[::-1]

    (fetched,) = fetcher.fetch(of("model", storage.put("key", after), after))

    assert (fetched.partial.read_bytes(), fetched.transferred) == (after, len(after))


def damage(fetcher: Fetcher, file: RemoteFile) -> None:
    """What a power failure does: the record is there, bytes that it vouches for are not."""
    with (fetcher.folder / "0" / key_of(file)).open("r+b") as data:
        data.seek(1000)
        data.write(bytes(4096))


def test_resume__bytes_lost(storage: Storage, fetcher: Fetcher) -> None:
    file = of("model", storage.put("key", LARGE), LARGE)
    break_off(storage, fetcher, file)
    damage(fetcher, file)

    assert contents(fetcher.fetch(file)) == [LARGE]


def test_resume__bytes_lost_and_corrupted_once(storage: Storage, fetcher: Fetcher) -> None:
    """What was left behind does not use up the second chance."""
    file = of("model", storage.put("key", LARGE), LARGE)
    break_off(storage, fetcher, file)
    damage(fetcher, file)
    spoilt = bytes(1) + LARGE[1:]
    served = 0

    def script(request: Request) -> Reply | None:
        nonlocal served
        if request.span is None or request.span[0] > 0:
            return None
        served += 1
        return storage.serve(request, spoilt if served == 1 else LARGE)

    storage.always(script)
    fetcher.retries = 2

    assert contents(fetcher.fetch(file)) == [LARGE]


def change_record(fetcher: Fetcher, file: RemoteFile, **changes: object) -> None:
    path = fetcher.folder / "0" / f"{key_of(file)}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"boot": "another"}, id="machine was started anew"),
        pytest.param({"boot": ""}, id="not told"),
        pytest.param({"validator": ""}, id="no ETag"),
    ],
)
def test_resume__nothing_to_rely_on(
    storage: Storage, fetcher: Fetcher, changes: dict[str, object]
) -> None:
    file = RemoteFile("model", storage.put("key", LARGE))
    break_off(storage, fetcher, file)
    change_record(fetcher, file, **changes)

    (fetched,) = fetcher.fetch(file)

    assert (fetched.partial.read_bytes(), fetched.transferred) == (LARGE, len(LARGE))


def test_resume__nothing_to_rely_on_and_shorter_now(storage: Storage, fetcher: Fetcher) -> None:
    """What lay there before does not stick out behind the new content."""
    file = RemoteFile("model", storage.put("key", LARGE))
    break_off(storage, fetcher, file)
    change_record(fetcher, file, boot="another")
    storage.put("key", LARGE[:1_000_000])

    assert contents(fetcher.fetch(file)) == [LARGE[:1_000_000]]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"have": [[0, 99_999_999]]}, id="more than the size"),
        pytest.param({"have": [[-5, 10]]}, id="before the start"),
        pytest.param({"have": "all"}, id="not a list"),
        pytest.param({"size": None}, id="no size"),
        pytest.param({"have": [[0, 12_000_003]]}, id="more than is there"),
    ],
)
def test_resume__record_makes_no_sense(
    storage: Storage, fetcher: Fetcher, changes: dict[str, object]
) -> None:
    file = of("model", storage.put("key", LARGE), LARGE)
    break_off(storage, fetcher, file)
    change_record(fetcher, file, **changes)

    assert contents(fetcher.fetch(file)) == [LARGE]


def test_two_processes__each_has_its_folder(storage: Storage, fetcher: Fetcher) -> None:
    file = of("model", storage.put("key", LARGE), LARGE)
    with closing(Partials(fetcher.folder, boot="")) as other:
        (fetched,) = fetcher.fetch(file)

    assert (other.folder.name, fetched.partial.parent.name) == ("0", "1")
    assert fetched.partial.read_bytes() == LARGE


def test_nothing_is_left_behind(storage: Storage, fetcher: Fetcher) -> None:
    """When the files have been moved away, so are all traces."""
    fetcher.moved = True

    fetcher.fetch(of("a", storage.put("a", LARGE), LARGE), of("b", storage.put("b", b"b"), b"b"))

    assert list(fetcher.folder.iterdir()) == []


def child(storage: Storage, content: bytes, folder: Path) -> subprocess.Popen[str]:
    md5 = hashlib.md5(content).hexdigest()
    url = storage.put(f"files/md5/{md5[:2]}/{md5[2:]}", content)
    return subprocess.Popen(
        [sys.executable, "-m", "tests.download.fetching", url, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_killed_at_twenty_random_moments(storage: Storage, tmp_path: Path) -> None:
    content = LARGE * 3
    storage.pace = 0.03
    chances = random.Random(20)
    sent = []
    for _ in range(20):
        before, asked = storage.sent, len(storage.requests)
        with child(storage, content, tmp_path) as process:
            while len(storage.requests) == asked and process.poll() is None:
                time.sleep(0.005)
            time.sleep(chances.uniform(0.05, 0.6))
            process.kill()
        sent.append(storage.sent - before)
    storage.pace = 0
    with child(storage, content, tmp_path) as process:
        output, errors = process.communicate(timeout=60)

    md5, transferred = output.split()
    assert (md5, errors) == (hashlib.md5(content).hexdigest(), "")
    assert max(*sent, int(transferred)) < len(content)


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopped(storage: Storage, tmp_path: Path, signum: signal.Signals, code: int) -> None:
    """It ends at once, and the next run goes on from there."""
    storage.pace = 0.02
    with child(storage, LARGE, tmp_path) as process:
        while storage.sent < 4_000_000:
            time.sleep(0.01)
        started = time.monotonic()
        process.send_signal(signum)
        errors = process.communicate(timeout=30)[1]
        took = time.monotonic() - started
    storage.pace = 0
    with child(storage, LARGE, tmp_path) as process:
        output = process.communicate(timeout=60)[0]

    assert took < 2.0
    assert f"studio_action.errors.Stopped: stopped by {signum.name}" in errors
    assert int(output.split()[1]) < len(LARGE) - 2_000_000
