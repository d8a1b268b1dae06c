"""Remotes on Alibaba's OSS: URLs presigned by Alibaba's own library.

Not through ossfs, which DVC reads them with: what is signed, the engine fetches with all that it
can, and a server of ours can sign for jobs that have no credentials.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import Any

from studio_action.errors import BadInput
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.base import LIFETIME, Place, needs_extra
from studio_action.gitrepo.remotes.credentials import Address, Credential, check, outside_if_named
from studio_action.gitrepo.remotes.identity import Identity, no_credentials
from studio_action.text import printable

_REGION = re.compile(r"https?://oss-([a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com/?")
"""https://www.alibabacloud.com/help/en/oss/user-guide/regions-and-endpoints"""
_KEYS = ("oss_key_id", "oss_key_secret")
_VARIABLES = ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN")
_ENDPOINT = "OSS_ENDPOINT"


@dataclass(frozen=True, slots=True)
class OssRemote:
    """A bucket, or a part of one; `client` is that of Alibaba's library."""

    settings: Settings
    client: Any

    @classmethod
    def open(cls, settings: Settings, identity: Identity | None) -> OssRemote:
        """Return the remote, with the credentials of its options, else those of `identity`.

        Raises `BadInput` where those are missing, or not for its address. Nothing is asked.
        """
        if find_spec("alibabacloud_oss_v2") is None:
            raise needs_extra(settings.name, "oss")
        address = _address(settings, identity)
        credential, keys = _keys(settings, identity)
        check(credential, address)
        return cls(settings, _client(address.url, keys))

    def place(self, key: str, version_id: str, now: datetime) -> Place:
        """Return a presigned URL, of OSS's fourth kind where the endpoint tells its region."""
        from alibabacloud_oss_v2.models import GetObjectRequest

        wanted = GetObjectRequest(self.settings.bucket, self.settings.below(key))
        if version_id:
            wanted.version_id = version_id
        try:
            return Place(str(self.client.presign(wanted, expires=LIFETIME).url))
        except Exception as error:  # the library has no class for all of its own
            raise BadInput(
                f"URLs of the remote {self.settings.name!r} cannot be signed:"
                f" {printable(str(error), 300)}",
                "Look at its url and oss_endpoint",
            ) from error


def _address(settings: Settings, identity: Identity | None) -> Address:
    """Return the endpoint, over TLS unless it says otherwise: of the option, else of the
    environment.
    """
    said, here = settings["oss_endpoint"], identity.environ.get(_ENDPOINT, "") if identity else ""
    endpoint = said or here
    if not endpoint:
        raise BadInput(
            f"the remote {settings.name!r} does not say its endpoint",
            f"Set its oss_endpoint, or {_ENDPOINT}",
        )
    origin = settings.origin_of("oss_endpoint") if said else "outside"
    address = Address(settings.name, "oss", _url(endpoint), origin, "oss_endpoint", _ENDPOINT)
    return outside_if_named(address, [_url(here)] if here else [])


def _url(endpoint: str) -> str:
    return endpoint if "://" in endpoint else f"https://{endpoint}"


def _keys(
    settings: Settings, identity: Identity | None
) -> tuple[Credential, tuple[str, str, str | None]]:
    """Return what signs, and who said it."""
    key_id, secret = (settings[option] for option in _KEYS)
    if key_id and secret:
        return Credential("access key", settings.origin_of(*_KEYS)), (key_id, secret, None)
    if identity is not None:
        key_id, secret, token = (identity.environ.get(name, "") for name in _VARIABLES)
        if key_id and secret:
            return Credential("access key of OSS", "outside"), (key_id, secret, token or None)
        raise BadInput(
            f"no credentials were found for the remote {settings.name!r} (oss://)",
            f"Set {_VARIABLES[0]} and {_VARIABLES[1]}, or its {_KEYS[0]} and {_KEYS[1]} with"
            " `dvc remote modify --local`",
        )
    raise no_credentials(settings)


def _client(endpoint: str, keys: tuple[str, str, str | None]) -> Any:
    import alibabacloud_oss_v2 as oss

    region = _REGION.fullmatch(endpoint)
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(*keys)
    config.endpoint = endpoint
    config.region = region[1] if region else ""
    config.signature_version = "v4" if region else "v1"
    return oss.Client(config)
