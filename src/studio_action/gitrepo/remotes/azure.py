"""Remotes on Azure Blob Storage: URLs with a shared access signature (SAS) for one blob each.

Not through adlfs, whose `sign` knows account keys only
(https://learn.microsoft.com/rest/api/storageservices/create-service-sas).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from studio_action.errors import BadInput, Unreachable
from studio_action.gitrepo.remotes.base import LIFETIME, Place, check_address, needs_extra
from studio_action.gitrepo.remotes.config import Settings
from studio_action.network import Network
from studio_action.text import printable

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_SKEW = timedelta(minutes=5)
"""By how much the clocks of this machine and of Azure may differ."""
_KEY_LIFETIME = timedelta(hours=6)
"""How long a key is asked for; it signs URLs that end before it does."""
_AT_ONCE = {"initial_backoff": 0, "increment_base": 0, "random_jitter_range": 0}
"""The one further attempt follows at once; Azure's own choice is to wait for 15 seconds or more."""
_HINT = (
    "Give AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or"
    " AZURE_STORAGE_SAS_TOKEN, a log-in of Azure, or options in .dvc/config.local"
)


@dataclass(frozen=True, slots=True)
class Account:
    """A storage account, and what opens it: a key, a ready-made SAS, or neither."""

    name: str
    endpoint: str
    key: str = field(default="", repr=False)
    sas: str = field(default="", repr=False)

    @classmethod
    def of(cls, settings: Settings, environ: Mapping[str, str]) -> Account:
        """The account of the remote's options, else of the environment; raises `BadInput`."""

        def said(option: str, variable: str) -> str:
            return settings[option] or environ.get(f"AZURE_STORAGE_{variable}", "")

        connection = said("connection_string", "CONNECTION_STRING")
        named = settings["account_name"]
        if connection and (settings["connection_string"] or not named):
            return cls._connected(connection)
        name = said("account_name", "ACCOUNT")
        if not name:
            raise BadInput(f"the remote {settings.name!r} names no storage account", _HINT)
        endpoint = f"https://{name}.blob.core.windows.net"
        return cls(name, endpoint, said("account_key", "KEY"), said("sas_token", "SAS_TOKEN"))

    @classmethod
    def _connected(cls, text: str) -> Account:
        """Read a connection string (https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string)."""
        pairs = (part.partition("=") for part in text.split(";") if part)
        said = {name.strip().lower(): value.strip() for name, _, value in pairs}
        name = said.get("accountname", "")
        scheme = said.get("defaultendpointsprotocol", "https")
        suffix = said.get("endpointsuffix", "core.windows.net")
        endpoint = said.get("blobendpoint") or (name and f"{scheme}://{name}.blob.{suffix}")
        if not endpoint:
            raise BadInput("the connection string of a remote names no account", _HINT)
        key, sas = said.get("accountkey", ""), said.get("sharedaccesssignature", "")
        return cls(name, endpoint.rstrip("/"), key, sas)


@dataclass(frozen=True, slots=True)
class AzureRemote:
    """A container, or a part of one. `signing` is what signs: a key, or Azure's keys for us."""

    settings: Settings
    account: Account
    signing: AccountKey | DelegationKeys | None = field(repr=False)

    @classmethod
    def open(cls, settings: Settings, network: Network, environ: Mapping[str, str]) -> AzureRemote:
        """The remote, with the credentials of its options, else of the environment.

        Raises `BadInput` where there are none.
        """
        account = Account.of(settings, environ)
        check_address(settings.name, account.endpoint)
        if account.sas or settings.flag("allow_anonymous_login"):
            return cls(settings, account, None)
        try:
            import azure.storage.blob  # noqa: F401 - is it there?
        except ImportError:
            raise needs_extra(settings.name, "azure") from None
        if account.key:
            return cls(settings, account, AccountKey(account.key))
        return cls(settings, account, DelegationKeys(account, login(settings, network), network))

    def place(self, key: str, version_id: str, now: datetime) -> Place:
        """The blob's URL, signed where that is needed.

        Raises `Unreachable` where Azure gives no key for the credentials.
        """
        blob = self.settings.below(key)
        query = [self._signature(self.signing, blob, version_id, now)] if self.signing else []
        if self.account.sas:
            query = [self.account.sas.lstrip("?")]
        if version_id:
            query.append(f"versionid={quote(version_id, safe='')}")
        url = f"{self.account.endpoint}/{self.settings.bucket}/{quote(blob)}"
        return Place(f"{url}?{'&'.join(query)}" if query else url)

    def _signature(
        self, signing: AccountKey | DelegationKeys, blob: str, version_id: str, now: datetime
    ) -> str:
        from azure.core.exceptions import ClientAuthenticationError
        from azure.storage.blob import BlobSasPermissions, generate_blob_sas

        said = signing.at(now)
        try:
            return str(
                generate_blob_sas(
                    self.account.name,
                    self.settings.bucket,
                    blob,
                    permission=BlobSasPermissions(read=True),
                    start=now - _SKEW,
                    expiry=now + LIFETIME,
                    version_id=version_id or None,
                    **said,
                )
            )
        except (ClientAuthenticationError, ValueError) as error:  # of a key that is none
            raise _refused(self.settings) from error


@dataclass(frozen=True, slots=True)
class AccountKey:
    """The account's own key, which signs at any time."""

    key: str = field(repr=False)

    def at(self, now: datetime) -> Mapping[str, Any]:
        """What signs as of `now`."""
        return {"account_key": self.key}


@dataclass(slots=True)
class DelegationKeys:
    """Keys that Azure gives to one who is logged in; each is asked for before the last one ends."""

    account: Account
    credential: TokenCredential = field(repr=False)
    network: Network
    _key: Any = field(default=None, init=False, repr=False)
    _until: datetime | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def at(self, now: datetime) -> Mapping[str, Any]:
        """What signs as of `now`; raise `Unreachable` if Azure gives nothing."""
        with self._lock:
            if self._until is None or self._until < now + LIFETIME:
                until = now + _KEY_LIFETIME
                self._key = delegation_key(
                    self.account, self.credential, self.network, now - _SKEW, until
                )
                self._until = until
            return {"user_delegation_key": self._key}


def login(settings: Settings, network: Network) -> TokenCredential:
    """Who the remote's options say that we are, else whom Azure's own rules find."""
    try:
        from azure.identity import ClientSecretCredential, DefaultAzureCredential
    except ImportError:
        raise needs_extra(settings.name, "azure") from None
    who = [settings[option] for option in ("tenant_id", "client_id", "client_secret")]
    if all(who):
        try:
            return ClientSecretCredential(*who, **_transport(network))
        except ValueError as error:
            raise _refused(settings) from error
    kinds = ("environment", "visual_studio_code", "shared_token_cache", "managed_identity")
    options = (f"exclude_{kind}_credential" for kind in kinds)
    excluded = {name: settings.flag(name) for name in options}
    return DefaultAzureCredential(**excluded, **_transport(network))


def delegation_key(
    account: Account,
    credential: TokenCredential,
    network: Network,
    start: datetime,
    end: datetime,
) -> Any:
    """A key with which one who is logged in may sign; raise `Unreachable` if Azure gives none."""
    from azure.core.exceptions import AzureError
    from azure.storage.blob import BlobServiceClient

    try:
        with BlobServiceClient(
            account.endpoint, credential, **_AT_ONCE, **_transport(network)
        ) as client:
            return client.get_user_delegation_key(start, end)
    except AzureError as error:
        told = printable(str(error).partition("\n")[0], 300)
        raise Unreachable(f"Azure gives no key for {account.name!r}: {told}", _HINT) from error


def _refused(settings: Settings) -> BadInput:
    return BadInput(f"the credentials of the remote {settings.name!r} sign nothing", _HINT)


def _transport(network: Network) -> dict[str, Any]:
    """How Azure's libraries are to use the network."""
    proxies = {scheme: network.proxy_for(scheme) for scheme in ("http", "https")}
    return {
        "connection_verify": str(network.ca_bundle) if network.ca_bundle else True,
        "proxies": {scheme: proxy for scheme, proxy in proxies.items() if proxy},
        "retry_total": 1,
    }
