"""A server of the same answer made of gto and dvc's own Python interfaces, as one would write it.

Run by `serving.py` in the environment that has both: `python gto_dvc_server.py REPOSITORY`. It
prints its port. All that it calls is public and documented.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import dvc.api
import gto.api
from botocore.client import Config
from botocore.session import Session

REPOSITORY = sys.argv[1]
WORKERS = 4
"""Requests at once: more of them only wait for each other, since all is Python."""

s3 = Session().create_client(
    "s3",
    region_name="us-east-1",
    endpoint_url="http://127.0.0.1:1",
    aws_access_key_id="key",
    aws_secret_access_key="secret",
    config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
)
pool = ThreadPoolExecutor(WORKERS)


def download_uris(name: str, version: str) -> dict[str, str]:
    """Signed URL by path, of one version of a model."""
    (row,) = gto.api.show(REPOSITORY, f"{name}@{version}")
    found = dvc.api.artifacts_show(name, version=row["version"], repo=REPOSITORY)
    files = dvc.api.DVCFileSystem(REPOSITORY, rev=found["rev"])
    return {path: signed(path, found["rev"]) for path in paths(files, found["path"])}


def paths(files: dvc.api.DVCFileSystem, root: str) -> Iterator[str]:
    """The files that a path of the repository is."""
    yield from (path.lstrip("/") for path in files.find(root)) if files.isdir(root) else (root,)


def signed(path: str, revision: str) -> str:
    """The URL by which anybody can GET the file for an hour."""
    at = urlsplit(dvc.api.get_url(path, repo=REPOSITORY, rev=revision))
    return s3.generate_presigned_url(
        "get_object", {"Bucket": at.netloc, "Key": at.path.lstrip("/")}, ExpiresIn=3600
    )


class Handler(BaseHTTPRequestHandler):
    """Answers `?name&version`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        try:
            uris = pool.submit(download_uris, asked["name"][0], asked["version"][0]).result()
            status, body = 200, json.dumps(uris).encode()
        except Exception as error:
            status, body = 500, json.dumps({"detail": str(error)}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what is measured are the answers."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    with Server(("127.0.0.1", 0), Handler) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
