"""What is downloaded from: nginx with the objects, and a Studio that names them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import trustme
from tests.servers.git import git_server

MIB = 1 << 20
CAP = 50
"""MB a second that one connection gets where it is capped."""

_CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  keepalive_requests 1000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{plain};
    listen 127.0.0.1:{tls} ssl;
    ssl_certificate {folder}/server.pem;
    ssl_certificate_key {folder}/server.pem;
    location / {{ root {objects}; }}
    location /capped/ {{ alias {objects}/; limit_rate {cap}m; }}
  }}
}}
"""


@dataclass(frozen=True)
class Storage:
    """Where it listens, the authority to trust, and the models: object keys by path."""

    plain: int
    tls: int
    authority: Path
    models: Mapping[str, Mapping[str, str]]
    sizes: Mapping[str, int]


def make_models(
    objects: Path, names: list[str]
) -> tuple[dict[str, dict[str, str]], dict[str, int]]:
    """Random models, each object under its MD5 as DVC 3 lays it out; kept from run to run."""
    objects.mkdir(parents=True, exist_ok=True)
    shapes = {"gib": [1024 * MIB], "4gib": [4096 * MIB], "many": [4096] * 10_000, "kb": [1024]}
    shapes["16mib"] = [16 * MIB]
    models, sizes = {}, {}
    for name in names:
        index = objects / f"{name}.json"
        if not index.exists():
            keys = [_make_object(objects, size) for size in shapes[name]]
            index.write_text(json.dumps({f"{name}/f{at:05}": key for at, key in enumerate(keys)}))
        models[name] = json.loads(index.read_text())
        _name_paths(objects, name, models[name])
        sizes[name] = sum(shapes[name])
    return models, sizes


def _name_paths(objects: Path, name: str, keys: Mapping[str, str]) -> None:
    """Link a model's objects by its paths, for peers that name files after URLs."""
    folder = objects / "models" / name
    if folder.exists():
        return
    for path, key in keys.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.hardlink_to(objects / key)


def _make_object(objects: Path, size: int) -> str:
    block = os.urandom(min(size, 4 * MIB))  # a child's peak memory begins with its parent's
    digest = hashlib.md5(usedforsecurity=False)
    new = objects / "new"
    with new.open("wb") as stream:
        for at in range(0, size, len(block)):
            part = at.to_bytes(8, "big") + block[8:]
            digest.update(part)
            stream.write(part)
    md5 = digest.hexdigest()
    place = objects / "files/md5" / md5[:2] / md5[2:]
    place.parent.mkdir(parents=True, exist_ok=True)
    new.replace(place)
    return place.relative_to(objects).as_posix()


@contextmanager
def serving(folder: Path, objects: Path, names: list[str]) -> Iterator[Storage]:
    """nginx over `objects`, with and without TLS."""
    models, sizes = make_models(objects, names)
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    plain, tls = free_port(), free_port()
    (folder / "nginx.conf").write_text(
        _CONFIGURATION.format(folder=folder, objects=objects, plain=plain, tls=tls, cap=CAP)
        + ("user root;\n" if os.geteuid() == 0 else "")
    )
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert nginx is not None
    with subprocess.Popen(
        [nginx, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
    ) as server:
        try:
            wait_for(tls)
            yield Storage(plain, tls, folder / "ca.pem", models, sizes)
        finally:
            server.terminate()


@contextmanager
def studio(storage: Storage, base: str) -> Iterator[str]:
    """A Studio whose URLs begin with `base`; gives its own URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            model = storage.models[asked["name"][0]]
            body = json.dumps({path: f"{base}/{key}" for path, key in model.items()}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def repository(folder: Path, model: str) -> Iterator[str]:
    """A Git repository over HTTP whose tags name versions of a model; gives its address."""
    with tempfile.TemporaryDirectory(dir=folder) as top:
        made = Path(top, "models.git")
        git = ["git", "-C", str(made), "-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        subprocess.run(["git", "init", "--quiet", "--bare", made], check=True)
        tree = subprocess.check_output([*git, "hash-object", "-t", "tree", "-w", os.devnull])
        commit = subprocess.check_output([*git, "commit-tree", "-m", "One", tree.decode().strip()])
        for version in range(10):
            name = f"{model}@v1.{version}.0"
            subprocess.run(
                [*git, "tag", "-a", "-m", name, name, commit.decode().strip()], check=True
            )
        with git_server(Path(top)) as server:
            yield f"{server.url}/models.git"


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Return when somebody listens on `port`."""
    deadline = time.monotonic() + 10
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"nobody listens on port {port}")
        time.sleep(0.02)
