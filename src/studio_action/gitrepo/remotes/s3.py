"""Remotes on S3, or on what speaks as S3 does: URLs presigned by Amazon's own library.

Not through s3fs, whose `sign` does the same with that library: it pins an older one, brings an
event loop along, and signs by SigV2 unless it is told otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from studio_action.errors import BadInput
from studio_action.gitrepo.remotes.base import LIFETIME, Place, needs_extra
from studio_action.gitrepo.remotes.config import Settings
from studio_action.network import Network
from studio_action.text import printable

_SECONDS = 10
"""That a question about a bucket, or for credentials, may take."""


@dataclass(frozen=True, slots=True)
class S3Remote:
    """A bucket, or a part of one; `client` is botocore's."""

    settings: Settings
    client: Any

    @classmethod
    def open(cls, settings: Settings, network: Network) -> S3Remote:
        """The remote, with the credentials of its options, else of the environment.

        Raises `BadInput` where those are wrong.
        """
        try:
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError:
            raise needs_extra(settings.name, "s3") from None
        try:
            client = _client(settings, network, settings["region"])
            region = "" if settings["endpointurl"] else region_of(client, settings.bucket)
            if region and region != client.meta.region_name:
                client = _client(settings, network, region)
            return cls(settings, client)
        except (BotoCoreError, ClientError, ValueError) as error:
            raise _refused(settings, error) from error

    def place(self, key: str, version_id: str, now: datetime) -> Place:
        """A presigned URL (SigV4), or the plain one where the remote is open to all."""
        from botocore.exceptions import BotoCoreError

        asked = {"Bucket": self.settings.bucket, "Key": self.settings.below(key)}
        if version_id:
            asked["VersionId"] = version_id
        try:
            url = self.client.generate_presigned_url(
                "get_object", Params=asked, ExpiresIn=int(LIFETIME.total_seconds())
            )
        except BotoCoreError as error:
            raise _refused(self.settings, error) from error
        return Place(str(url))


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


def _client(settings: Settings, network: Network, region: str) -> Any:
    import botocore.session
    from botocore import UNSIGNED
    from botocore.config import Config

    session = botocore.session.Session(profile=settings["profile"] or None)
    for variable, option in (("credentials_file", "credentialpath"), ("config_file", "configpath")):
        if settings[option]:
            session.set_config_variable(variable, settings[option])
    proxies = {scheme: network.proxy_for(scheme) for scheme in ("http", "https")}
    config = Config(
        signature_version=UNSIGNED if settings.flag("allow_anonymous_login") else "s3v4",
        proxies={scheme: proxy for scheme, proxy in proxies.items() if proxy},
        connect_timeout=_SECONDS,
        read_timeout=_SECONDS,
        retries={"total_max_attempts": 2},
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


def _refused(settings: Settings, error: Exception) -> BadInput:
    return BadInput(
        f"URLs of the remote {settings.name!r} cannot be signed: {printable(str(error), 300)}",
        "Give its credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or options"
        " in .dvc/config.local",
    )
