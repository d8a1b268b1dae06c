"""Remotes on S3, or on what speaks as S3 does: URLs presigned by Amazon's own library.

Not through s3fs, whose `sign` does the same with that library: it pins an older one, brings an
event loop along, and signs by SigV2 unless it is told otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from studio_action.errors import BadInput
from studio_action.gitrepo.remotes.base import LIFETIME, Place, needs_extra
from studio_action.gitrepo.remotes.config import Settings
from studio_action.gitrepo.remotes.credentials import (
    Address,
    Credential,
    check,
    is_providers,
    outside_if_named,
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

    @classmethod
    def open(cls, settings: Settings, network: Network, identity: Identity | None) -> S3Remote:
        """The remote, with the credentials of its options, else those of `identity`.

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
            if credential:
                check(credential, address)
            region = "" if settings["endpointurl"] else region_of(client, settings.bucket)
            if region and region != client.meta.region_name:
                client = _client(session, settings, network, region, configured=configured)
            probe = cls(settings, client)._presigned(PROBE_KEY, PROBE_VERSION)
            client.close()  # signing needs no connection
            quick = Presigner.like(probe, _LIFETIME, _keys(session, settings))
            return cls(settings, client, quick)
        except (BotoCoreError, ClientError, ValueError) as error:
            raise _refused(settings, error) from error

    def place(self, key: str, version_id: str, now: datetime) -> Place:
        """A presigned URL (SigV4), or the plain one where the remote is open to all."""
        from botocore.exceptions import BotoCoreError

        try:
            if self.quick:
                return Place(self.quick.url(self.settings.below(key), version_id, now))
            return Place(self._presigned(self.settings.below(key), version_id))
        except BotoCoreError as error:
            raise _refused(self.settings, error) from error

    def _presigned(self, key: str, version_id: str) -> str:
        """The URL of a key of the bucket, as the library makes it."""
        asked = {"Bucket": self.settings.bucket, "Key": key}
        if version_id:
            asked["VersionId"] = version_id
        url = self.client.generate_presigned_url("get_object", Params=asked, ExpiresIn=_LIFETIME)
        return str(url)


def region_of(client: Any, bucket: str) -> str:
    """The region that the bucket is in, as it says even to those whom it refuses; '' unknown.

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
    """What URLs are to be signed with; None if nothing is, as of a bucket that is open to all."""
    if settings.flag(_OPEN):
        return None
    if settings["access_key_id"] and (settings["secret_access_key"] or identity):
        return Credential("access key", settings.origin_of(*_KEYS))
    if identity is None:
        raise no_credentials(settings)
    return Credential("credential of AWS", "outside")


def _address(
    client: Any, session: Any, settings: Settings, network: Network, identity: Identity | None
) -> Address:
    """Where requests go, and who says so: AWS's library reads its own variables and files."""
    url = client.meta.endpoint_url
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
    return address if own.meta.endpoint_url == url else replace(address, origin="outside")


def _client(
    session: Any, settings: Settings, network: Network, region: str, *, configured: bool
) -> Any:
    """What signs; `configured`: an address counts that is set for AWS's programs here."""
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
        verify=str(network.ca_bundle) if network.ca_bundle else None,
        config=config,
    )


def _keys(session: Any, settings: Settings) -> Callable[[], Keys] | None:
    """What gives the credentials of the moment: temporary ones are renewed before they end."""
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
