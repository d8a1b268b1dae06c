"""Remotes on S3, or on what speaks as S3 does: URLs presigned by Amazon's own library.

Not through s3fs, whose `sign` does the same with that library: it pins an older one, brings an
event loop along, and signs by SigV2 unless it is told otherwise.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from studio_action.errors import BadInput
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.base import LIFETIME, Place, needs_extra
from studio_action.gitrepo.remotes.credentials import (
    Address,
    Credential,
    check,
    is_providers,
    outside_if_named,
    tls_verify,
)
from studio_action.gitrepo.remotes.identity import Identity, no_credentials, nobody_for_aws
from studio_action.gitrepo.remotes.presigning import PROBE_KEY, PROBE_VERSION, Keys, Presigner
from studio_action.net.network import Network
from studio_action.text import printable

_LIFETIME = int(LIFETIME.total_seconds())
_OPEN = "allow_anonymous_login"
_KEYS = ("access_key_id", "secret_access_key", "session_token")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_SECONDS = 10
"""That a question about a bucket, or for credentials, may take."""


@dataclass(frozen=True, slots=True)
class S3Remote:
    """A bucket, or a part of one; `client` is botocore's.

    What it signs without `quick` is as of the clock's moment.
    """

    settings: Settings
    client: Any
    quick: Presigner | None = None
    headers: tuple[str, ...] = field(default=(), repr=False)
    tls_verify: bool | Path = True

    @classmethod
    def open(cls, settings: Settings, network: Network, identity: Identity | None) -> S3Remote:
        """Return the remote, with the credentials of its options, else those of `identity`.

        Raises `BadInput` where those are wrong, missing, or not for its address.
        """
        try:
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError:
            raise needs_extra(settings.name, "s3") from None
        credential = _credential(settings, identity)
        try:
            session = identity.aws(settings) if identity else nobody_for_aws()
            configured = identity is not None
            client = _client(session, settings, network, settings["region"], configured=configured)
            address = _address(client, session, settings, network, identity)
            encryption = _encryption(settings)
            for each in filter(None, (credential, encryption)):
                check(each, address)
            region = "" if settings["endpointurl"] else region_of(client, settings.bucket)
            if region and region != client.meta.region_name:
                client = _client(session, settings, network, region, configured=configured)
            opened = cls(
                settings,
                client,
                headers=_headers(settings) if encryption else (),
                tls_verify=tls_verify(settings, credential, encryption),
            )
            probe = opened._presigned(PROBE_KEY, PROBE_VERSION)
            client.close()  # signing needs no connection
            return replace(opened, quick=Presigner.like(probe, _LIFETIME, _keys(session, settings)))
        except (BotoCoreError, ClientError, ValueError) as error:
            raise _refused(settings, error) from error

    def place(self, key: str, version_id: str, now: datetime) -> Place:
        """Return a presigned URL (SigV4), or the plain one where the remote is open to all."""
        from botocore.exceptions import BotoCoreError

        try:
            if self.quick:
                url = self.quick.url(self.settings.below(key), version_id, now)
            else:
                url = self._presigned(self.settings.below(key), version_id)
            return Place(url, self.headers, self.tls_verify)
        except BotoCoreError as error:
            raise _refused(self.settings, error) from error

    def _presigned(self, key: str, version_id: str) -> str:
        """Return the URL of a key of the bucket, as the library makes it."""
        asked = {"Bucket": self.settings.bucket, "Key": key}
        if version_id:
            asked["VersionId"] = version_id
        if self.headers:
            asked |= _customer_key(self.settings)
        url = self.client.generate_presigned_url("get_object", Params=asked, ExpiresIn=_LIFETIME)
        return str(url)


def region_of(client: Any, bucket: str) -> str:
    """Return the region that the bucket is in, as it says even to those whom it refuses; ''
    unknown.

    A URL that is signed for another region is refused, and the region of the environment is that
    of the job's machine, not of the bucket.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = client.head_bucket(Bucket=bucket)
    except ClientError as error:
        answer = error.response
    except BotoCoreError:
        return ""
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(headers.get("x-amz-bucket-region", ""))


def _credential(settings: Settings, identity: Identity | None) -> Credential | None:
    """Return what URLs are to be signed with; None if nothing is, as of a bucket that is open to
    all.
    """
    if settings.flag(_OPEN):
        return None
    if settings["access_key_id"] and (settings["secret_access_key"] or identity):
        return Credential("access key", settings.origin_of(*_KEYS))
    if identity is None:
        raise no_credentials(settings)
    return Credential("credential of AWS", "outside")


def _encryption(settings: Settings) -> Credential | None:
    """Return the key that objects are encrypted with, which is sent along (SSE-C)."""
    if not settings["sse_customer_key"]:
        return None
    return Credential("sse_customer_key", settings.origin_of("sse_customer_key"))


def _customer_key(settings: Settings) -> dict[str, Any]:
    """Return how the library is told of that key; raise `ValueError` if it is none."""
    return {
        "SSECustomerAlgorithm": settings["sse_customer_algorithm"] or "AES256",
        "SSECustomerKey": base64.b64decode(settings["sse_customer_key"], validate=True),
    }


def _headers(settings: Settings) -> tuple[str, ...]:
    """Return the header lines of that key
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html).
    """
    said = _customer_key(settings)
    algorithm, key = said["SSECustomerAlgorithm"], said["SSECustomerKey"]
    md5 = hashlib.md5(key, usedforsecurity=False).digest()
    lines = {
        "algorithm": algorithm,
        "key": base64.b64encode(key).decode(),
        "key-MD5": base64.b64encode(md5).decode(),
    }
    if not algorithm.isalnum():
        raise ValueError("sse_customer_algorithm is not valid")
    head = "x-amz-server-side-encryption-customer-"
    return tuple(f"{head}{name}: {text}" for name, text in lines.items())


def _address(
    client: Any, session: Any, settings: Settings, network: Network, identity: Identity | None
) -> Address:
    """Return where requests go, and who says so: AWS's library reads settings of its own."""
    url = client.meta.endpoint_url
    plain = not settings.flag("use_ssl", default=True)
    if plain and not settings["endpointurl"] and settings.origin_of("use_ssl") == "outside":
        url = url.replace("http://", "https://", 1)  # as they want it who give the credential
    address = Address(
        settings.name,
        "s3",
        url,
        settings.origin_of("endpointurl"),
        "endpointurl",
        "AWS_ENDPOINT_URL_S3",
    )
    if settings["endpointurl"] and identity:
        return outside_if_named(address, (identity.environ.get(name, "") for name in _ENDPOINTS))
    if settings["endpointurl"] or is_providers(address):
        return address
    own = _client(session, settings, network, settings["region"], configured=False)
    is_own = own.meta.endpoint_url == client.meta.endpoint_url
    return address if is_own else replace(address, origin="outside")


def _client(
    session: Any, settings: Settings, network: Network, region: str, *, configured: bool
) -> Any:
    """Return what signs; `configured`: an address counts that is set for AWS's programs here."""
    from botocore import UNSIGNED
    from botocore.config import Config

    proxies = {scheme: network.proxy_for(scheme) for scheme in ("http", "https")}
    config = Config(
        signature_version=UNSIGNED if settings.flag(_OPEN) else "s3v4",
        proxies={scheme: proxy for scheme, proxy in proxies.items() if proxy},
        connect_timeout=_SECONDS,
        read_timeout=_SECONDS,
        retries={"total_max_attempts": 2},
        ignore_configured_endpoint_urls=None if configured else True,
    )
    return session.create_client(
        "s3",
        region_name=region or session.get_config_variable("region") or "us-east-1",
        endpoint_url=settings["endpointurl"] or None,
        aws_access_key_id=settings["access_key_id"] or None,
        aws_secret_access_key=settings["secret_access_key"] or None,
        aws_session_token=settings["session_token"] or None,
        use_ssl=settings.flag("use_ssl", default=True),
        verify=_verify(settings, network),
        config=config,
    )


def _verify(settings: Settings, network: Network) -> bool | str | None:
    """Return what the one question is checked with that the library asks; who says less is not
    heard.
    """
    said = tls_verify(settings, Credential("", "outside"))
    if isinstance(said, Path):
        return str(said)
    return (str(network.ca_bundle) if network.ca_bundle else None) if said else False


def _keys(session: Any, settings: Settings) -> Callable[[], Keys] | None:
    """Return what gives the current credentials: temporary ones are renewed before they end."""
    from botocore.credentials import Credentials

    if settings.flag(_OPEN):
        return None
    if settings["access_key_id"]:
        credentials = Credentials(*(settings[option] or None for option in _KEYS))
    else:
        credentials = session.get_credentials()
    return cast("Callable[[], Keys]", credentials.get_frozen_credentials)


def _refused(settings: Settings, error: Exception) -> BadInput:
    return BadInput(
        f"URLs of the remote {settings.name!r} cannot be signed: {printable(str(error), 300)}",
        "Give its credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or options"
        " in .dvc/config.local",
    )
