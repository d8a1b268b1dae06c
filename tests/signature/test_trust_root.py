"""Sigstore's root of trust, from a TUF repository of our own on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from studio_action.errors import UnexpectedAnswer, Unreachable
from studio_action.net.clock import Deadline, Limits
from studio_action.net.network import Network
from studio_action.signature import trust_root
from tests.signature.sigstore_instance import Sigstore

LIMITS = Limits(5, 0, Deadline(None))
TRUSTED = Sigstore().trusted_root()


def repository(target: bytes = TRUSTED.encode(), days: int = 3650) -> dict[str, bytes]:
    """A TUF repository by path; the files it is signed for, and when that ends."""
    signer = CryptoSigner.generate_ecdsa()
    until = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=days)
    root = Root(expires=until, consistent_snapshot=False)
    for role in ("root", "timestamp", "snapshot", "targets"):
        root.add_key(signer.public_key, role)
    targets = Targets(expires=until)
    targets.targets["trusted_root.json"] = TargetFile.from_data("trusted_root.json", target)
    snapshot = Snapshot(expires=until, meta={"targets.json": MetaFile(1)})
    timestamp = Timestamp(expires=until, snapshot_meta=MetaFile(1))
    signed = {"1.root": root, "targets": targets, "snapshot": snapshot, "timestamp": timestamp}
    found = {}
    for name, each in signed.items():
        metadata = Metadata(each)
        metadata.sign(signer)
        found[f"/{name}.json"] = metadata.to_bytes()
    return {**found, "/targets/trusted_root.json": target}


@contextmanager
def served(files: dict[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """A server of files, and a proxy to any host, as if it were these files' one."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            content = files.get(urlsplit(self.path).path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


def fetch(url: str, files: dict[str, bytes], folder: Path, network: Network | None = None) -> str:
    first = files["/1.root.json"]
    return trust_root.fetch(network or Network(), LIMITS, folder, print, url, first)


def test_the_trusted_root(tmp_path: Path) -> None:
    files = repository()
    with served(files) as (url, _):
        assert fetch(url, files, tmp_path) == TRUSTED


def test_over_the_jobs_proxy(tmp_path: Path) -> None:
    files = repository()
    with served(files) as (url, asked):
        assert fetch("http://tuf.test", files, tmp_path, Network(proxies={"http": url})) == TRUSTED
    assert asked[-1] == "http://tuf.test/targets/trusted_root.json"


def test_refused__another_file_than_was_signed(tmp_path: Path) -> None:
    files = {**repository(), "/targets/trusted_root.json": b"{}"}
    with served(files) as (url, _), pytest.raises(UnexpectedAnswer, match="cannot be used"):
        fetch(url, files, tmp_path)


def test_refused__signed_by_others(tmp_path: Path) -> None:
    ours, theirs = repository(), repository()
    files = {**theirs, "/1.root.json": ours["/1.root.json"]}
    with served(files) as (url, _), pytest.raises(UnexpectedAnswer, match="cannot be used"):
        fetch(url, files, tmp_path)


def test_refused__no_longer_valid(tmp_path: Path) -> None:
    files = repository(days=-1)
    with served(files) as (url, _), pytest.raises(UnexpectedAnswer, match="expired"):
        fetch(url, files, tmp_path)


def test_unreachable(tmp_path: Path) -> None:
    files = repository()
    with served(files) as (url, _):
        pass
    with pytest.raises(Unreachable, match="Sigstore at"):
        fetch(url, files, tmp_path)


def test_the_public_instances_first_root_is_in_the_library() -> None:
    assert json.loads(trust_root.embedded_root())["signed"]["_type"] == "root"
