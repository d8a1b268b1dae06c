"""Files that a real nginx sends, because the server says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from starlette.applications import Starlette
from starlette.routing import Route

from studio_action.errors import ObjectMissing
from studio_action.server import links
from studio_action.server.files.handing_over import HandOver
from studio_action.server.files.serving import Files
from studio_action.server.links import Grant, InFolder, LocalFile
from tests.server.files.test_serving import CONTENT, GRANT, KEY, NOW, elsewhere
from tests.server.loopback import served
from tests.servers.nginx import nginx
from tests.servers.process import free_ports

ODD = "a folder/ü%41;?#+&.pkl"


@dataclass
class Folder:
    """What is served, and what the server and nginx before it answer."""

    place: Path
    server: str = ""
    front: str = ""
    revoked: bool = False

    def find(self, file: LocalFile) -> Path:
        if isinstance(file, InFolder):
            return self.place / file.path
        raise ObjectMissing("no such folder")

    def may(self, grant: Grant) -> bool:
        return not self.revoked

    def path(self, name: str) -> str:
        return links.sign("", InFolder("models", name), GRANT, KEY, NOW)

    def application(self, how: HandOver | None) -> Starlette:
        secrets = {KEY.id: KEY.secret}
        files = Files(secrets.get, self.may, self.find, lambda: NOW, elsewhere, hand_over=how)
        return Starlette(routes=[Route("/files/{path:path}", files)])


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    place = Path(os.path.realpath(tmp_path)) / "models"
    (place / "a folder").mkdir(parents=True)
    for name in ("churn.pkl", ODD):
        (place / name).write_bytes(CONTENT)
    return Folder(place)


@pytest.mark.parametrize(
    ("how", "header"),
    [
        (HandOver("/_files/"), "x-accel-redirect"),
        (HandOver("/a/b"), "x-accel-redirect"),
        (HandOver(), "x-sendfile"),
    ],
)
def test_header__names_the_file_and_nothing_is_sent(
    folder: Folder, how: HandOver, header: str
) -> None:
    with served(folder.application(how)) as base:
        answer = requests.get(base + folder.path("churn.pkl"), timeout=10)

    before = how.location.rstrip("/")
    assert answer.headers[header] == f"{before}{folder.place}/churn.pkl"
    assert (answer.status_code, answer.content) == (200, b"")


def test_header__only_where_it_is_configured(folder: Folder) -> None:
    asked = {"X-Accel-Redirect": "/_files/etc/passwd", "X-Sendfile": "/etc/passwd"}
    with served(folder.application(None)) as base:
        answer = requests.get(base + folder.path("churn.pkl"), headers=asked, timeout=10)

    assert answer.content == CONTENT
    assert not {"x-accel-redirect", "x-sendfile"} & {name.lower() for name in answer.headers}


def test_header__not_for_a_link_that_is_not_good(folder: Folder) -> None:
    (folder.place / "link.pkl").symlink_to("/etc/passwd")
    with served(folder.application(HandOver("/_files/"))) as base:
        changed = requests.get(base + folder.path("churn.pkl") + "0", timeout=10)
        leading_away = requests.get(base + folder.path("link.pkl"), timeout=10)
        folder.revoked = True
        revoked = requests.get(base + folder.path("churn.pkl"), timeout=10)

    assert [changed.status_code, leading_away.status_code, revoked.status_code] == [403, 404, 403]
    for each in (changed, leading_away, revoked):
        assert "x-accel-redirect" not in each.headers


@pytest.fixture
def behind_nginx(folder: Folder, tmp_path: Path) -> Iterator[Folder]:
    (port,) = free_ports(1)
    with served(folder.application(HandOver("/_files/"))) as base:
        http = f"""
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass {base}; }}
    location /_files/ {{ internal; alias /; disable_symlinks on; }}
  }}"""
        folder.server, folder.front = base, f"http://127.0.0.1:{port}"
        with nginx(tmp_path / "nginx", http, folder.front):
            yield folder


@pytest.mark.servers
def test_nginx__sends_the_file(behind_nginx: Folder) -> None:
    for name in ("churn.pkl", ODD):
        url = behind_nginx.front + behind_nginx.path(name)

        whole = requests.get(url, timeout=10)
        part = requests.get(url, headers={"Range": "bytes=100-199"}, timeout=10)
        head = requests.head(url, timeout=10)

        assert (whole.status_code, whole.content) == (200, CONTENT)
        assert (part.status_code, part.content) == (206, CONTENT[100:200])
        assert head.headers["content-length"] == str(len(CONTENT))
        assert whole.headers["content-disposition"] == "attachment"
        assert not {"x-accel-redirect", "x-sendfile"} & {each.lower() for each in whole.headers}


@pytest.mark.servers
def test_nginx__sends_nothing_else(behind_nginx: Folder) -> None:
    path = urlsplit(behind_nginx.path("churn.pkl"))
    for each in (
        f"/_files{behind_nginx.place}/churn.pkl",
        "/_files/etc/passwd",
        f"{path.path}/../../../etc/passwd?{path.query}",
    ):
        assert requests.get(behind_nginx.front + each, timeout=10).status_code in (403, 404)
