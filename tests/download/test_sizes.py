from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio_action.download.sizes import CONNECTIONS, look, measured
from studio_action.errors import DeadlinePassed
from studio_action.model.artifact import RemoteFile
from studio_action.net.clock import Deadline, Limits
from studio_action.net.network import Network
from tests.fakes import Time
from tests.reference import Answer, ReferenceServer


def sizes(*urls: str, deadline: Deadline | None = None) -> list[int | None]:
    files = [RemoteFile(f"m/{number}", url) for number, url in enumerate(urls)]
    found = measured(files, Network(), Limits(5, 0, deadline or Deadline()))
    assert [file.path for file in found] == [file.path for file in files]
    return [file.size for file in found]


ANSWERS: list[tuple[str, Answer, int | None]] = [
    ("a part", Answer(206, "x", (("Content-Range", "bytes 0-0/1234"),)), 1234),
    ("the whole", Answer(200, "x" * 77), 77),
    ("an empty file", Answer(416, "", (("Content-Range", "bytes */0"),)), 0),
    ("refused", Answer(403, "<Error><Code>AccessDenied</Code></Error>"), None),
    ("gone", Answer(404, ""), None),
    ("a wrong part", Answer(206, "x", (("Content-Range", "bytes 5-5/1234"),)), None),
]


@pytest.mark.parametrize(
    ("answer", "size"), [case[1:] for case in ANSWERS], ids=[case[0] for case in ANSWERS]
)
def test_measured(studio: ReferenceServer, answer: Answer, size: int | None) -> None:
    studio.storage_script.append(answer)
    assert sizes(f"{studio.url}/storage/x") == [size]
    assert studio.fetches[0].headers["range"] == "bytes=0-0"


def test_measured__more_files_than_connections(studio: ReferenceServer) -> None:
    many = 2 * CONNECTIONS + 3
    part = Answer(206, "x", (("Content-Range", "bytes 0-0/9"),))
    studio.storage_script.extend([part] * many)
    assert sizes(*[f"{studio.url}/storage/{number}" for number in range(many)]) == [9] * many


def test_measured__nobody_there() -> None:
    assert sizes("http://127.0.0.1:1/x") == [None]


def test_measured__the_deadline(studio: ReferenceServer) -> None:
    time = Time()
    deadline = Deadline(1, time.clock)
    time.now = 2
    with pytest.raises(DeadlinePassed):
        sizes(f"{studio.url}/storage/x", deadline=deadline)


def test_look__at_each_file_once(studio: ReferenceServer, tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(b"1234")
    os.mkfifo(tmp_path / "pipe")
    urls = {
        "there": f"{studio.url}/storage/1",
        "gone": f"{studio.url}/storage/2",
        "here": (tmp_path / "here").as_uri(),
        "pipe": (tmp_path / "pipe").as_uri(),
    }
    studio.storage_script.extend([ANSWERS[0][1], Answer(404, "")])

    seen = [
        look([RemoteFile(name, url)], Network(), Limits(5, 0, Deadline()))
        for name, url in urls.items()
    ]

    assert [file.path for each in seen for file in each.lost] == ["gone", "pipe"]
    assert [file.size for each in seen for file in each.files] == [1234, None, 4, None]
