"""Real S3, HTTP and Azure servers on loopback, each for as long as its `with` block lasts.

SeaweedFS (`weed`) checks every presigned URL and serves the same bytes over plain HTTP from its
filer; Azurite checks SAS tokens. Neither reports to anybody.
"""

from __future__ import annotations

import base64
import contextlib
import json
import random
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import botocore.auth
import botocore.config
from azure.storage.blob import BlobSasPermissions, BlobServiceClient, generate_blob_sas
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests import sample
from tests.reference import Signer

TOOLS = Path(__file__).parent / "tools" / "node_modules" / ".bin"
REGION = "us-east-1"
PATIENCE = 60.0
"""Seconds that a server may take to start on a busy machine."""


class _SignedAt(botocore.auth.S3SigV4QueryAuth):
    """A presigned URL as of a given moment, so that an expired one needs no waiting."""

    def __init__(self, credentials: Credentials, lifetime: timedelta, moment: datetime) -> None:
        super().__init__(credentials, "s3", REGION, expires=int(lifetime.total_seconds()))
        self._moment = moment

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        request.context["timestamp"] = self._moment.strftime(botocore.auth.SIGV4_TIMESTAMP)
        super()._modify_request_before_signing(request)


@dataclass(frozen=True, slots=True)
class SeaweedFS:
    """An S3 endpoint, and `web`, where the same buckets are open over plain HTTP."""

    endpoint: str
    web: str
    key_id: str = field(default_factory=lambda: secrets.token_hex(10).upper())
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(30), repr=False)

    def sign(self, url: str, moment: datetime, lifetime: timedelta) -> str:
        """A presigned GET (SigV4) of `s3://bucket/key`, made at `moment`."""
        parts = urlsplit(url)
        request = AWSRequest("GET", f"{self.endpoint}/{parts.netloc}{quote(parts.path)}")
        _SignedAt(Credentials(self.key_id, self.secret), lifetime, moment).add_auth(request)
        return str(request.url)

    def public(self, url: str) -> str:
        """Where the object of `https://host/key` can be had without a signature."""
        parts = urlsplit(url)
        return f"{self.web}/buckets/{parts.netloc}{quote(parts.path)}"

    def client(self) -> Any:
        """The real S3 client, to fill and to list buckets."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.secret,
            config=botocore.config.Config(s3={"addressing_style": "path"}, proxies={}),
        )

    def put(self, bucket: str, objects: Mapping[str, bytes]) -> None:
        """Make `bucket` and fill it."""
        client = self.client()
        client.create_bucket(Bucket=bucket)
        for key, content in objects.items():
            client.put_object(Bucket=bucket, Key=key, Body=content)
        client.close()

    def objects(self, bucket: str) -> Iterator[tuple[str, bytes]]:
        """Every object of `bucket`."""
        client = self.client()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for entry in page.get("Contents", []):
                with client.get_object(Bucket=bucket, Key=entry["Key"])["Body"] as body:
                    yield entry["Key"], body.read()
        client.close()

    def identities(self) -> str:
        """SeaweedFS's own description of who may do what."""
        credentials = [{"accessKey": self.key_id, "secretKey": self.secret}]
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        identity = {"name": "tests", "credentials": credentials, "actions": actions}
        return json.dumps({"identities": [identity]})


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


@dataclass(frozen=True, slots=True)
class SampleStorage:
    """Real servers that hold every object of the sample registry."""

    s3: SeaweedFS
    azure: Azurite

    @property
    def signers(self) -> dict[str, Signer]:
        """How the URLs of the sample's remotes are made good to GET, by scheme."""

        def public(url: str, _moment: datetime, _lifetime: timedelta) -> str:
            return self.s3.public(url)

        return {"s3": self.s3.sign, "azure": self.azure.sign, "https": public}


def tampered(url: str) -> str:
    """The signed URL with the first character of its signature changed."""
    before, marker, after = re.split("(Signature=|sig=)", url)
    return before + marker + ("1" if after[0] == "0" else "0") + after[1:]


@contextlib.contextmanager
def sample_storage(folder: Path) -> Iterator[SampleStorage]:
    """Both servers, filled; their state is in `folder`."""
    with ExitStack() as stack:
        s3 = stack.enter_context(seaweedfs(_made(folder / "seaweedfs")))
        azure = stack.enter_context(azurite(_made(folder / "azurite")))
        s3.put("models", sample.objects("s3", "models"))
        s3.put("models.example.com", sample.objects("https", "models.example.com"))
        azure.put("models", sample.objects("azure", "models"))
        yield SampleStorage(s3, azure)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@contextlib.contextmanager
def seaweedfs(folder: Path) -> Iterator[SeaweedFS]:
    """A SeaweedFS whose state is in `folder`: master, volume, filer and S3 in one process."""
    master, volume, filer, s3 = _free_ports(4, grpc=True)
    server = SeaweedFS(endpoint=f"http://127.0.0.1:{s3}", web=f"http://127.0.0.1:{filer}")
    (folder / "identities.json").write_text(server.identities())
    command = [
        str(Path(sys.executable).with_name("weed")),
        "-logdir=.",
        "server",
        "-dir=.",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-master.port={master}",
        "-master.telemetry=false",
        "-master.electionTimeout=1s",
        "-master.volumeSizeLimitMB=64",
        f"-volume.port={volume}",
        "-volume.max=40",
        "-filer",
        f"-filer.port={filer}",
        f"-filer.localSocket={folder}/filer.sock",
        "-s3",
        f"-s3.port={s3}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.config=identities.json",
        f"-s3.localSocket={folder}/s3.sock",
    ]

    def ready() -> bool:
        # The S3 port answers before the volumes are known; a GET is then a 500.
        assigned = "fid" in json.loads(_get(f"http://127.0.0.1:{master}/dir/assign") or "{}")
        return assigned and _get(f"{server.endpoint}/status") is not None

    with _running(command, folder, ready):
        yield server


@contextlib.contextmanager
def azurite(folder: Path) -> Iterator[Azurite]:
    """An Azurite whose state is in `folder`, with one account of its own."""
    (port,) = _free_ports(1)
    key = base64.b64encode(secrets.token_bytes(64)).decode()
    server = Azurite(f"http://127.0.0.1:{port}/models", "models", key)
    program = TOOLS / "azurite-blob"
    if not program.exists():
        raise FileNotFoundError(
            f"{program} is missing: run `make test`, or `npm ci` in tests/tools"
        )
    command = [
        str(program),
        "--blobHost=127.0.0.1",
        f"--blobPort={port}",
        f"--location={folder}",
        "--skipApiVersionCheck",
        "--disableTelemetry",
        "--silent",
    ]

    def ready() -> bool:
        return _get(server.endpoint) is not None

    with _running(command, folder, ready, AZURITE_ACCOUNTS=f"{server.account}:{key}"):
        yield server


@contextlib.contextmanager
def _running(
    command: list[str], folder: Path, ready: Callable[[], bool], **environ: str
) -> Iterator[None]:
    """Run `command` in `folder` until the block ends; raise with its log if it does not start."""
    log = folder / "server.log"
    variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), **environ}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=output, env=variables
        ) as process,
    ):
        try:
            patience = time.monotonic() + PATIENCE
            while not ready():
                if process.poll() is not None or time.monotonic() > patience:
                    raise RuntimeError(f"{command[0]} did not start: {log.read_text()[-2000:]}")
                time.sleep(0.05)
            yield
        finally:
            process.kill()


def _get(url: str) -> str | None:
    """The body of any HTTP answer at `url`; None where nothing answers yet."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return str(response.read(), errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return str(error.read(), errors="replace")
    except OSError:
        return None


def _free_ports(count: int, *, grpc: bool = False) -> list[int]:
    """Ports below the ephemeral range that nothing listens on; `grpc`: nor on port + 10,000."""
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(11000, 22000)
        wanted = [port, port + 10000] if grpc else [port]
        if port not in ports and all(map(_is_free, wanted)):
            ports.append(port)
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
