from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from studio_action.download.base import Fetched, Verify
from studio_action.download.connected import ConnectedDownloader
from studio_action.download.filesystems import Filesystems
from studio_action.errors import (
    ContentMismatch,
    DeadlinePassed,
    ObjectMissing,
    TokenRefused,
    Unreachable,
    WorkspaceRefused,
)
from studio_action.model.artifact import RemoteFile
from studio_action.net.clock import Clock, Deadline, Limits
from tests.download.conftest import Heard, Ticking, contents, of
from tests.download.memory import PIECE, MemoryStorage, cut, well
from tests.fakes import MemoryDownloader

CONTENT = bytes(range(256)) * 4 * (PIECE // 256)
"""Of four reads."""


@dataclass
class Reader:
    """A downloader of its own each time, as one run of the program after the other."""

    folder: Path
    storage: MemoryStorage = field(default_factory=MemoryStorage)
    filesystems: Filesystems = field(default_factory=Filesystems)
    heard: Heard = field(default_factory=Heard)
    ticking: Ticking = field(default_factory=Ticking)
    timeout: float = 5.0
    retries: int = 2
    max_connections: int = 16
    deadline: float | None = None
    verify: Verify = "auto"
    real_time: bool = False

    def put(self, path: str, content: bytes = CONTENT) -> RemoteFile:
        self.storage.contents[f"/{path}"] = content
        url = self.filesystems.add(f"ssh://host/{path}", self.storage.home(f"/{path}"))
        return of(path, url, content)

    def fetch(self, *files: RemoteFile, keep: bool = False) -> list[Fetched]:
        clock = Clock() if self.real_time else self.ticking.clock
        far = MemoryDownloader({"far": b"far"}, self.folder / "far")
        with ConnectedDownloader(
            far,
            self.filesystems,
            self.folder / "partial",
            limits=Limits(self.timeout, self.retries, Deadline(self.deadline, clock), lambda: 0.0),
            verify=self.verify,
            max_connections=self.max_connections,
        ) as downloader:
            fetched = downloader.fetch(files, renew=_renew, progress=self.heard)
            self.seen = contents(fetched)
            for each in fetched if not keep else ():
                each.partial.unlink()
            return fetched

    def left(self) -> dict[str, bytes]:
        """What waits for the next run."""
        return {
            path.name: path.read_bytes()
            for path in (self.folder / "partial").rglob("*")
            if path.is_file()
        }


def _renew() -> Mapping[str, str]:
    raise AssertionError("nothing here expires")


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def test_fetch__verified_and_in_order_beside_what_others_download(reader: Reader) -> None:
    far = RemoteFile("far", "https://storage.example.org/far")
    files = reader.put("a"), far, reader.put("b", b""), reader.put("c", b"c")

    fetched = reader.fetch(*files)

    assert [each.file for each in fetched] == list(files)
    assert reader.seen == [CONTENT, b"far", b"", b"c"]
    assert [fetched[0].verified, fetched[0].md5, fetched[0].transferred] == [
        "md5",
        hashlib.md5(CONTENT).hexdigest(),
        len(CONTENT),
    ]
    assert fetched[0].sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert reader.heard == Heard(len(CONTENT) + 1, len(CONTENT) + 1, 3)
    assert (reader.storage.connections, reader.storage.closed) == (1, 1)
    assert reader.left() == {}


@pytest.mark.parametrize("connections", [1, 3])
def test_fetch__no_more_at_once_than_connections(reader: Reader, connections: int) -> None:
    reader.max_connections = connections
    meeting = threading.Barrier(connections, timeout=10)
    reader.storage.reading.extend([meeting.wait] * connections)

    reader.fetch(*(reader.put(f"{number}") for number in range(9)))

    assert reader.storage.most_at_once == connections


def test_fetch__goes_on_where_a_connection_was_lost(reader: Reader) -> None:
    reader.storage.reading.extend([well, well, cut])

    (fetched,) = reader.fetch(reader.put("a"))

    assert (reader.seen, fetched.transferred) == ([CONTENT], len(CONTENT))
    assert (reader.storage.connections, reader.storage.starts) == (2, [0, 2 * PIECE])
    assert reader.ticking.slept == [0.25]
    assert reader.heard == Heard(len(CONTENT), len(CONTENT), 1)


def test_fetch__from_the_start_where_the_storage_cannot_seek(reader: Reader) -> None:
    reader.storage.seekable = False
    reader.storage.reading.extend([well, well, cut])

    reader.fetch(reader.put("a"))

    assert (reader.seen, reader.storage.starts) == ([CONTENT], [0, 0])
    assert reader.heard == Heard(len(CONTENT), len(CONTENT), 1)


def test_fetch__of_unknown_size(reader: Reader) -> None:
    reader.storage.measured = False

    (fetched,) = reader.fetch(replace(reader.put("a"), digest=None))

    assert (reader.seen, fetched.verified) == ([CONTENT], "none")
    assert reader.heard == Heard(len(CONTENT), len(CONTENT), 1)


@pytest.mark.parametrize("where", ["connecting", "reading"])
def test_fetch__gives_up_after_its_retries(reader: Reader, where: str) -> None:
    getattr(reader.storage, where).extend([cut] * 3)

    with pytest.raises(Unreachable, match=r"'a' cannot be fetched: the connection was lost \(3 t"):
        reader.fetch(reader.put("a"))

    assert reader.ticking.slept == [0.25, 0.5]


def test_fetch__retries_begin_anew_after_much_has_come(reader: Reader) -> None:
    content = CONTENT * 13
    mebibyte = [well] * 16
    reader.storage.reading.extend([*mebibyte, cut, *mebibyte, cut, *mebibyte, cut])

    reader.fetch(reader.put("a", content))

    assert (reader.seen, reader.ticking.slept) == ([content], [0.25] * 3)


def test_fetch__the_next_run_goes_on(reader: Reader) -> None:
    file = reader.put("a")
    reader.storage.reading.extend([well, well, well, cut, cut, cut])
    with pytest.raises(Unreachable):
        reader.fetch(file)
    (record,) = (text for name, text in reader.left().items() if name.endswith(".json"))
    assert json.loads(record)["have"] == [[0, 3 * PIECE]]
    reader.heard = Heard()

    (fetched,) = reader.fetch(file)

    assert (reader.seen, fetched.transferred) == ([CONTENT], PIECE)
    assert reader.storage.starts[-1] == 3 * PIECE
    assert reader.heard == Heard(len(CONTENT), len(CONTENT), 1)


def test_fetch__the_next_run_only_hashes_what_is_whole(reader: Reader) -> None:
    file = reader.put("a")
    reader.fetch(file, keep=True)
    reader.storage.connections = 0

    (fetched,) = reader.fetch(file)

    assert (fetched.transferred, reader.storage.connections) == (0, 0)


def test_fetch__from_the_start_where_the_file_has_changed(reader: Reader) -> None:
    file = replace(reader.put("a"), digest=None)
    reader.storage.reading.extend([well, cut, cut, cut])
    with pytest.raises(Unreachable):
        reader.fetch(file)
    reader.storage.validator = "2"

    (fetched,) = reader.fetch(file)

    assert (reader.seen, fetched.transferred) == ([CONTENT], len(CONTENT))


def test_fetch__what_is_left_is_not_trusted(reader: Reader) -> None:
    file = reader.put("a")
    reader.storage.reading.extend([well, cut, cut, cut])
    with pytest.raises(Unreachable):
        reader.fetch(file)
    (data,) = (reader.folder / "partial" / "0").glob("*[!n]")
    data.write_bytes(b"x" * PIECE)

    reader.fetch(file)

    assert reader.seen == [CONTENT]


def test_fetch__other_content_is_read_once_more(reader: Reader) -> None:
    file = reader.put("a")
    reader.storage.contents["/a"] = CONTENT[::-1]

    with pytest.raises(ContentMismatch, match="'a' does not match: its MD5 is"):
        reader.fetch(file)

    assert reader.storage.starts == [0, 0]


def test_fetch__another_size_is_not_even_read(reader: Reader) -> None:
    file = replace(reader.put("a"), size=3)

    with pytest.raises(ContentMismatch, match="has 262144 bytes; expected 3"):
        reader.fetch(file)

    assert reader.storage.starts == []


def test_fetch__not_verified_where_that_is_off(reader: Reader) -> None:
    reader.verify = "off"
    file = reader.put("a")
    reader.storage.contents["/a"] = CONTENT[::-1]

    (fetched,) = reader.fetch(file)

    assert fetched.verified == "off"


def test_fetch__a_file_that_ends_early_is_read_on(reader: Reader) -> None:
    file = reader.put("a")
    short, whole = CONTENT[:PIECE], CONTENT

    def cut_off() -> None:
        reader.storage.contents["/a"] = short

    def back() -> None:
        reader.storage.contents["/a"] = whole

    reader.storage.reading.extend([well, cut_off])
    reader.storage.connecting.extend([well, back])

    reader.fetch(file)

    assert (reader.seen, reader.storage.starts) == ([CONTENT], [0, PIECE])


@pytest.mark.parametrize(
    "failure", [ObjectMissing("gone"), TokenRefused("refused"), Unreachable("unknown host key")]
)
def test_fetch__the_first_final_failure_ends_all(reader: Reader, failure: Exception) -> None:
    def refuse() -> None:
        raise failure

    reader.storage.connecting.append(refuse)

    with pytest.raises(type(failure), match=str(failure)):
        reader.fetch(reader.put("a"), reader.put("b"))

    assert reader.ticking.slept == []


def test_fetch__a_lost_object(reader: Reader) -> None:
    file = reader.put("a")
    del reader.storage.contents["/a"]

    with pytest.raises(ObjectMissing):
        reader.fetch(file, reader.put("b"))


def test_fetch__silence_is_no_answer(reader: Reader) -> None:
    reader.real_time, reader.timeout, reader.retries = True, 0.2, 1
    silent = threading.Event()
    reader.storage.reading.extend([well, silent.wait])
    file = reader.put("a")
    try:
        reader.fetch(file)
    finally:
        silent.set()

    assert (reader.seen, reader.storage.starts) == ([CONTENT], [0, PIECE])
    assert reader.storage.connections == 2


def test_fetch__silence_of_each_attempt(reader: Reader) -> None:
    reader.real_time, reader.timeout, reader.retries = True, 0.2, 0
    silent = threading.Event()
    reader.storage.connecting.append(silent.wait)
    try:
        with pytest.raises(Unreachable, match=r"no data for 200 ms \(once\)"):
            reader.fetch(reader.put("a"))
    finally:
        silent.set()


def test_fetch__who_hung_writes_no_more(reader: Reader) -> None:
    reader.real_time, reader.timeout, reader.retries = True, 0.2, 0
    silent, over = threading.Event(), threading.Event()

    def hang() -> None:
        silent.wait()
        reader.storage.contents["/a"] = b"x" * len(CONTENT)
        over.set()

    reader.storage.reading.extend([well, hang])
    with pytest.raises(Unreachable):
        reader.fetch(reader.put("a"))
    silent.set()
    over.wait()

    assert {len(each) for name, each in reader.left().items() if "." not in name} == {PIECE}


def test_fetch__ends_at_the_deadline(reader: Reader) -> None:
    reader.real_time, reader.deadline = True, 0.2
    silent = threading.Event()
    reader.storage.reading.append(silent.wait)
    try:
        with pytest.raises(DeadlinePassed):
            reader.fetch(reader.put("a"))
    finally:
        silent.set()


def test_fetch__no_wait_goes_past_the_deadline(reader: Reader) -> None:
    reader.deadline = 0.4
    reader.storage.reading.extend([cut] * 2)

    with pytest.raises(DeadlinePassed):
        reader.fetch(reader.put("a"))


def test_fetch__no_room(reader: Reader) -> None:
    with pytest.raises(WorkspaceRefused, match=r"the model needs \d+\.\d TB more"):
        reader.fetch(replace(reader.put("a"), size=1 << 60))


def test_find__a_url_that_nobody_added() -> None:
    assert Filesystems().find("ssh://host/a") is None


def test_add__one_address_of_two_remotes() -> None:
    filesystems, one, other = Filesystems(), MemoryStorage().home("/a"), MemoryStorage().home("/a")

    urls = [filesystems.add("ssh://host/a", home) for home in (one, other, one)]

    assert urls == ["ssh://host/a", "ssh://host/a#1", "ssh://host/a"]
    assert [filesystems.find(url) for url in urls] == [one, other, one]
