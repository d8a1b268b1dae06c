"""Remotes on Azure Blob Storage: URLs with a shared access signature (SAS) for one blob each.

Not through adlfs, whose `sign` knows account keys only
(https://learn.microsoft.com/rest/api/storageservices/create-service-sas).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from studio_action.errors import BadInput, Unreachable
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.dvc.trust import Origin
from studio_action.gitrepo.remotes.base import LIFETIME, Place, check_address, needs_extra
from studio_action.gitrepo.remotes.credentials import (
    Address,
    Credential,
    check,
    outside_if_named,
    why_withheld,
)
from studio_action.gitrepo.remotes.identity import Identity, no_credentials
from studio_action.net.network import Network
from studio_action.text import printable

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_LOGIN = ("tenant_id", "client_id", "client_secret")
_VARIABLES = {
    "account_key": "AZURE_STORAGE_KEY",
    "account_name": "AZURE_STORAGE_ACCOUNT",
    "connection_string": "AZURE_STORAGE_CONNECTION_STRING",
    "sas_token": "AZURE_STORAGE_SAS_TOKEN",
}
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
    """A storage account, and what opens it: a key, a ready-made SAS, or neither.

    `origin` is who said where the account is, by `option`; `opener` is the key or SAS as what may
    be sent, None if there is none.
    """

    name: str
    endpoint: str
    key: str = field(default="", repr=False)
    sas: str = field(default="", repr=False)
    origin: Origin = field(default="outside", compare=False)
    option: str = field(default="account_name", compare=False)
    opener: Credential | None = field(default=None, compare=False)

    @classmethod
    def of(cls, settings: Settings, environ: Mapping[str, str]) -> Account:
        """Return the account of the options, else of the environment; raise `BadInput` for none."""
        given = _outside(environ, "connection_string")
        connection = settings["connection_string"]
        named = settings["account_name"]
        if connection or (given and named in ("", _account_in(given))):
            origin = settings.origin_of("connection_string") if connection else "outside"
            return cls._connected(connection or given, origin)
        name = named or _outside(environ, "account_name")
        if not name:
            raise BadInput(f"the remote {settings.name!r} names no storage account", _HINT)
        origin = settings.origin_of("account_name") if named else "outside"
        account = cls(name, f"https://{name}.blob.core.windows.net", origin=origin)
        return account._opened(settings, environ)

    def _opened(self, settings: Settings, environ: Mapping[str, str]) -> Account:
        """Return the account with its key or SAS: those of the options, else those of the
        environment.
        """
        ours = settings["account_key"] or settings["sas_token"]
        key, sas = (
            settings[option] if ours else _outside(environ, option)
            for option in ("account_key", "sas_token")
        )
        option = "sas_token" if sas else "account_key"
        origin = settings.origin_of(option) if ours else "outside"
        name = option if ours else _VARIABLES[option]
        opener = Credential(name, origin, self._whose(environ)) if key or sas else None
        return replace(self, key=key, sas=sas, opener=opener)

    def _whose(self, environ: Mapping[str, str]) -> str:
        """Return the account that keys from outside are for; '' if nobody outside said."""
        if self.origin == "outside":
            return self.name
        return _outside(environ, "account_name") or _account_in(
            _outside(environ, "connection_string")
        )

    @classmethod
    def _connected(cls, text: str, origin: Origin) -> Account:
        """Read a connection string (https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string)."""
        said = _pairs(text)
        name, endpoint = said.get("accountname", ""), _endpoint(said)
        if not endpoint:
            raise BadInput("the connection string of a remote names no account", _HINT)
        key, sas = said.get("accountkey", ""), said.get("sharedaccesssignature", "")
        opener = Credential("connection_string", origin, name) if key or sas else None
        return cls(name, endpoint, key, sas, origin, "connection_string", opener)

    def address(self, remote: str, environ: Mapping[str, str]) -> Address:
        """Return where requests go; an account or an endpoint that the environment names is
        outside.
        """
        address = Address(
            remote, "azure", self.endpoint, self.origin, self.option, _VARIABLES[self.option]
        )
        named = _outside(environ, "account_name")
        connection = _outside(environ, "connection_string")
        account = f"https://{named}.blob.core.windows.net" if named else ""
        return outside_if_named(address, [account, _endpoint(_pairs(connection))])


@dataclass(frozen=True, slots=True)
class AzureRemote:
    """A container, or a part of one. `signing` is what signs: a key, or Azure's keys for us."""

    settings: Settings
    account: Account
    signing: AccountKey | DelegationKeys | None = field(repr=False)

    @classmethod
    def open(cls, settings: Settings, network: Network, identity: Identity | None) -> AzureRemote:
        """Return the remote, with the credentials of its options, else those of `identity`.

        Raises `BadInput` where there are none, or where they are not for its address.
        """
        environ = identity.environ if identity else {}
        account = Account.of(settings, environ)
        check_address(settings.name, account.endpoint)
        address = account.address(settings.name, environ)
        if settings.flag("allow_anonymous_login"):
            if account.opener and why_withheld(account.opener, address):
                account = replace(account, sas="")
            return cls(settings, account, None)
        if account.opener:
            check(account.opener, address)
        if account.sas:
            return cls(settings, account, None)
        try:
            import azure.storage.blob  # noqa: F401 - is it there?
        except ImportError:
            raise needs_extra(settings.name, "azure") from None
        if account.key:
            return cls(settings, account, AccountKey(account.key))
        credential = login(settings, network, identity, address)
        return cls(settings, account, DelegationKeys(account, credential, network))

    def place(self, key: str, version_id: str, now: datetime) -> Place:
        """Return the blob's URL, signed where that is needed.

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
        """Return what signs as of `now`."""
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
        """Return what signs as of `now`; raise `Unreachable` if Azure gives nothing."""
        with self._lock:
            if self._until is None or self._until < now + LIFETIME:
                until = now + _KEY_LIFETIME
                self._key = delegation_key(
                    self.account, self.credential, self.network, now - _SKEW, until
                )
                self._until = until
            return {"user_delegation_key": self._key}


def login(
    settings: Settings, network: Network, identity: Identity | None, address: Address
) -> TokenCredential:
    """Return who the options say that we are, else whom Azure's own rules find for `identity`.

    Raises `BadInput` where nobody is found, or who is may not log in at `address`.
    """
    who = [settings[option] for option in _LOGIN]
    if all(who):
        check(Credential("client_secret", settings.origin_of("client_secret")), address)
    elif identity is None:
        raise no_credentials(settings)
    else:
        check(Credential("log-in of Azure", "outside"), address)
    try:
        from azure.identity import ClientSecretCredential

        if identity and not all(who):
            return identity.azure(settings, _transport(network))
        return ClientSecretCredential(*who, **_transport(network))
    except ImportError:
        raise needs_extra(settings.name, "azure") from None
    except ValueError as error:
        raise _refused(settings) from error


def delegation_key(
    account: Account,
    credential: TokenCredential,
    network: Network,
    start: datetime,
    end: datetime,
) -> Any:
    """Return a key with which one who is logged in may sign; raise `Unreachable` if Azure gives
    none.
    """
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


def _pairs(connection: str) -> Mapping[str, str]:
    pairs = (part.partition("=") for part in connection.split(";") if part)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _endpoint(pairs: Mapping[str, str]) -> str:
    """Return where the account of a connection string is; '' if that says nothing of it."""
    name = pairs.get("accountname", "")
    scheme = pairs.get("defaultendpointsprotocol", "https")
    suffix = pairs.get("endpointsuffix", "core.windows.net")
    endpoint = pairs.get("blobendpoint") or (name and f"{scheme}://{name}.blob.{suffix}")
    return endpoint.rstrip("/")


def _account_in(connection: str) -> str:
    return _pairs(connection).get("accountname", "")


def _outside(environ: Mapping[str, str], option: str) -> str:
    return environ.get(_VARIABLES[option], "")


def _refused(settings: Settings) -> BadInput:
    return BadInput(f"the credentials of the remote {settings.name!r} cannot sign URLs", _HINT)


def _transport(network: Network) -> dict[str, Any]:
    """Return how Azure's libraries are to use the network."""
    proxies = {scheme: network.proxy_for(scheme) for scheme in ("http", "https")}
    return {
        "connection_verify": str(network.ca_bundle) if network.ca_bundle else True,
        "proxies": {scheme: proxy for scheme, proxy in proxies.items() if proxy},
        "retry_total": 1,
    }
