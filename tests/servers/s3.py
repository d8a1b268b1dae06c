"""SeaweedFS: a real S3 server, which checks every presigned URL; it reports to nobody."""

from __future__ import annotations

import contextlib
import json
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import botocore.auth
import botocore.config
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.servers.process import body_at, free_ports, running

REGION = "us-east-1"


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


@contextlib.contextmanager
def seaweedfs(folder: Path) -> Iterator[SeaweedFS]:
    """A SeaweedFS whose state is in `folder`: master, volume, filer and S3 in one process."""
    master, volume, filer, s3 = free_ports(4, grpc=True)
    server = SeaweedFS(endpoint=f"http://127.0.0.1:{s3}", web=f"http://127.0.0.1:{filer}")
    folder.mkdir()
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
        assigned = "fid" in json.loads(body_at(f"http://127.0.0.1:{master}/dir/assign") or "{}")
        return assigned and body_at(f"{server.endpoint}/status") is not None

    with running(command, folder, ready):
        yield server
