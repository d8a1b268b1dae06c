"""Azurite: a real server of Azure's blobs, which checks every SAS; it reports to nobody."""

from __future__ import annotations

import base64
import contextlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

from azure.storage.blob import BlobSasPermissions, BlobServiceClient, generate_blob_sas

from tests.servers.process import body_at, free_ports, running

PROGRAM = Path(__file__).parents[1] / "tools" / "node_modules" / ".bin" / "azurite-blob"


@dataclass(frozen=True, slots=True)
class Azurite:
    """An Azure Blob Storage endpoint, account included."""

    endpoint: str
    account: str
    key: str = field(repr=False)

    @property
    def connection_string(self) -> str:
        return (
            f"DefaultEndpointsProtocol=http;AccountName={self.account};"
            f"AccountKey={self.key};BlobEndpoint={self.endpoint};"
        )

    def sign(self, url: str, moment: datetime, lifetime: timedelta) -> str:
        """A read-only SAS URL of `azure://container/blob`, made at `moment`."""
        container, blob = urlsplit(url).netloc, urlsplit(url).path.lstrip("/")
        token = generate_blob_sas(
            self.account,
            container,
            blob,
            account_key=self.key,
            permission=BlobSasPermissions(read=True),
            expiry=moment + lifetime,
        )
        return f"{self.endpoint}/{container}/{quote(blob)}?{token}"

    def client(self) -> BlobServiceClient:
        """The real client, to fill and to list containers."""
        return BlobServiceClient.from_connection_string(self.connection_string)

    def put(self, container: str, objects: Mapping[str, bytes]) -> None:
        """Make `container` and fill it."""
        with self.client() as client, client.create_container(container) as target:
            for key, content in objects.items():
                target.upload_blob(key, content)

    def objects(self, container: str) -> Iterator[tuple[str, bytes]]:
        """Every blob of `container`."""
        with self.client() as client, client.get_container_client(container) as source:
            for name in source.list_blob_names():
                yield name, source.download_blob(name).readall()


@contextlib.contextmanager
def azurite(folder: Path) -> Iterator[Azurite]:
    """An Azurite whose state is in `folder`, with one account of its own."""
    (port,) = free_ports(1)
    key = base64.b64encode(secrets.token_bytes(64)).decode()
    server = Azurite(f"http://127.0.0.1:{port}/models", "models", key)
    if not PROGRAM.exists():
        raise FileNotFoundError(
            f"{PROGRAM} is missing: run `make test`, or `npm ci` in tests/tools"
        )
    folder.mkdir()
    command = [
        str(PROGRAM),
        "--blobHost=127.0.0.1",
        f"--blobPort={port}",
        f"--location={folder}",
        "--skipApiVersionCheck",
        "--disableTelemetry",
        "--silent",
    ]

    def ready() -> bool:
        return body_at(server.endpoint) is not None

    with running(command, folder, ready, AZURITE_ACCOUNTS=f"{server.account}:{key}"):
        yield server
