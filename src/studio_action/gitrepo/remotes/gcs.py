"""Remotes on Google Cloud Storage: URLs signed (V4) where the credentials can sign.

Who is logged in without a key of a service account, as most jobs on Google's own machines are,
sends an access token along instead (https://cloud.google.com/storage/docs/authentication).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from studio_action.errors import BadInput, Unreachable
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.dvc.trust import Origin
from studio_action.gitrepo.remotes.base import LIFETIME, Place, needs_extra
from studio_action.gitrepo.remotes.credentials import (
    Address,
    Credential,
    check,
    outside_if_named,
)
from studio_action.gitrepo.remotes.identity import Identity, no_credentials
from studio_action.net.network import Network
from studio_action.text import printable

_SCOPES = ["https://www.googleapis.com/auth/devstorage.read_only"]
_EMULATOR = "STORAGE_EMULATOR_HOST"
_ENDPOINT = "https://storage.googleapis.com"


@dataclass(frozen=True, slots=True)
class GcsRemote:
    """A bucket, or a part of one; `credentials` are google-auth's, None where it is open to all."""

    settings: Settings
    credentials: Any = field(repr=False)
    endpoint: str = _ENDPOINT

    @classmethod
    def open(cls, settings: Settings, network: Network, identity: Identity | None) -> GcsRemote:
        """Return the remote, with the credentials of its options, else those of `identity`.

        Raises `BadInput` where there are none or they are not for its address, `Unreachable` where
        Google gives no access token.
        """
        environ = identity.environ if identity else {}
        endpoint = settings["endpointurl"] or _emulator(environ) or _ENDPOINT
        if settings.flag("allow_anonymous_login"):
            return cls(settings, None, endpoint.rstrip("/"))
        if identity is None:
            raise no_credentials(settings)
        check(Credential("credential of Google", "outside"), _address(settings, environ, endpoint))
        return cls(settings, _credentials(settings, network, identity), endpoint.rstrip("/"))

    def place(self, key: str, version_id: str, now: datetime) -> Place:
        """Return the object's URL: signed, or with an access token beside it, or open.

        Google's library signs as of the clock's moment.
        """
        name = self.settings.below(key)
        if self.credentials is not None and hasattr(self.credentials, "sign_bytes"):
            return Place(self._signed(name, version_id))
        query = f"?generation={quote(version_id, safe='')}" if version_id else ""
        url = f"{self.endpoint}/{self.settings.bucket}/{quote(name)}{query}"
        if self.credentials is None:
            return Place(url)
        return Place(url, (f"Authorization: Bearer {self.credentials.token}",))

    def _signed(self, name: str, version_id: str) -> str:
        from google.cloud.storage import Client

        project = self.settings["projectname"] or "none"  # it is not sent
        bucket = Client(project, self.credentials).bucket(self.settings.bucket)
        return str(
            bucket.blob(name).generate_signed_url(
                version="v4",
                expiration=LIFETIME,
                generation=version_id or None,
                api_access_endpoint=self.endpoint,
            )
        )


def _emulator(environ: Mapping[str, str]) -> str:
    """Return what STORAGE_EMULATOR_HOST names, as gcsfs reads it."""
    named = environ.get(_EMULATOR, "")
    if named in ("", "default", "None"):
        return ""
    return named if re.match(r"https?://", named) else f"http://{named}"


def _address(settings: Settings, environ: Mapping[str, str], endpoint: str) -> Address:
    origin: Origin = settings.origin_of("endpointurl")
    address = Address(settings.name, "gs", endpoint, origin, "endpointurl", _EMULATOR)
    return outside_if_named(address, [_emulator(environ)])


def _credentials(settings: Settings, network: Network, identity: Identity) -> Any:
    try:
        with warnings.catch_warnings():  # Google's own plans for old Pythons are no job's news
            warnings.simplefilter("ignore", FutureWarning)
            import google.cloud.storage  # noqa: F401 - is it there?
            from google.auth.credentials import Signing
            from google.auth.exceptions import GoogleAuthError, TransportError
            from google.oauth2.service_account import Credentials
    except ImportError:
        raise needs_extra(settings.name, "gcs") from None
    try:
        if path := settings["credentialpath"]:  # a key, and nothing that runs a program
            credentials = Credentials.from_service_account_file(path, scopes=_SCOPES)
        else:
            credentials = identity.google(_SCOPES)
        if not isinstance(credentials, Signing):
            credentials.refresh(_transport(network))
    except TransportError as error:
        told = printable(str(error).partition("\n")[0], 300)
        raise Unreachable(f"Google gives no access token: {told}") from error
    except (GoogleAuthError, OSError, ValueError) as error:
        told = printable(str(error).partition("\n")[0], 300)
        raise BadInput(
            f"Google knows no credentials for the remote {settings.name!r}: {told}",
            "Give GOOGLE_APPLICATION_CREDENTIALS, or credentialpath in .dvc/config.local",
        ) from error
    return credentials


def _transport(network: Network) -> Any:
    """Return how google-auth asks for an access token."""
    import google.auth.transport.requests
    import requests

    session = requests.Session()
    session.trust_env = False
    session.verify = str(network.ca_bundle) if network.ca_bundle else True
    for scheme in ("http", "https"):
        if proxy := network.proxy_for(scheme):
            session.proxies[scheme] = proxy
    return google.auth.transport.requests.Request(session)
