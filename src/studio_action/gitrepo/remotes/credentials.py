"""Where a credential may go. Pure.

`why_withheld` is the one decision, for every kind of storage, in the step and in the server:

- What the repository says itself may go wherever the repository says.
- What is from outside of it goes to an address that was named outside; or to the provider's own
  hosts, over TLS, and there to the account that it belongs to, where it belongs to one.

A storage uses it so: make the `Address` that a request will go to (who said it is
`Settings.origin` for a `url`, `Settings.origin_of` for another option; `outside_if_named` for what
the provider's own variables may name, too), make the `Credential` that would be sent there, and
call `check`, which raises; or ask `why_withheld`, and go on without where the remote is open to
all. Nothing of this machine may be asked for a credential before that, unless asking sends nothing
to that address. What finds credentials on this machine is in `identity` alone. A kind whose
provider has no hosts of its own, as ssh and WebDAV, needs no entry here: a password or a key from
outside then needs a `url` from outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from studio_action.errors import BadInput
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.dvc.trust import Origin, is_below
from studio_action.text import printable

_REGION = r"[a-z]{2,}(?:-[a-z]+)+-\d+"
_AWS = r"amazonaws\.com(?:\.cn)?|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk"
_AZURE = r"core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net|cloudapi\.de)"
_PROVIDERS: Mapping[str, re.Pattern[str]] = {
    # Not everything at AWS is AWS: anybody may have a machine or a function there.
    "s3": re.compile(
        rf"(?:[a-z0-9.-]+\.)?s3(?:-fips)?(?:\.dualstack)?(?:[.-]{_REGION})?\.(?:{_AWS})"
    ),
    "gs": re.compile(r"storage\.googleapis\.com|storage\.[a-z0-9-]+\.rep\.googleapis\.com"),
    "azure": re.compile(rf"(?P<account>[a-z0-9]{{3,24}})\.blob\.{_AZURE}"),
    "oss": re.compile(r"(?:[a-z0-9-]+\.)?oss-[a-z0-9-]+\.aliyuncs\.com"),
}
"""The hosts of providers, by the kind of storage; each is a host that nobody else can have."""
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request of the remote named `remote` goes: `url`, and who says so.

    `option` is what names it, and `variable` that of the provider which does as well, '' if none.
    """

    remote: str
    kind: str
    url: str = field(repr=False)
    origin: Origin
    option: str = "url"
    variable: str = ""

    @property
    def host(self) -> str:
        """The host and the port that are asked, to be shown; '' if it has none."""
        parts = _split(self.url)
        return printable(parts.netloc.rpartition("@")[2], 100) if parts else ""


@dataclass(frozen=True, slots=True)
class Credential:
    """What would be sent along, by its `name` for whoever gave it, and who said it.

    `account` is the account of the provider that it opens; '' if nobody said which, and None if it
    opens no certain one, as an identity does.
    """

    name: str
    origin: Origin
    account: str | None = None


def why_withheld(credential: Credential, address: Address) -> str:
    """Return why the credential does not go to the address; '' if it does."""
    if credential.origin == "repository" or address.origin == "outside":
        return ""
    found = _provider(address)
    if found is None:
        return f"only the repository says to send it to {address.host or 'its address'}"
    if credential.account is None:
        return ""
    account = found.groupdict().get("account", "")
    if credential.account == account:
        return ""
    whose = f"the account {printable(credential.account, 50)!r}" if credential.account else ""
    return f"it is for {whose or 'an account that nobody named'}, and not for {account!r}"


def check(credential: Credential, address: Address) -> None:
    """Raise `BadInput` if the credential does not go to the address, with the way to allow it."""
    why = why_withheld(credential, address)
    if why:
        remote = printable(address.remote, 100)
        also = f", or set {address.variable}" if address.variable else ""
        raise BadInput(
            f"the remote {remote!r} does not get the {credential.name}: {why}",
            "To allow it, set it outside of the repository: `dvc remote modify --local"
            f" {remote} {address.option} {_shown(address)}`{also}",
        )


def outside_if_named(address: Address, names: Iterable[str]) -> Address:
    """Return the address, said outside if it is at or below one of the URLs `names`, which were."""
    here = _plain(address.url)
    if here and any(is_below(here, there) for there in filter(None, map(_plain, names))):
        return replace(address, origin="outside")
    return address


def tls_verify(settings: Settings, *sent: Credential | None) -> bool | Path:
    """Return how the remote's certificate is checked, by `ssl_verify`, where these credentials are
    sent.

    A repository may leave the check out where nothing of anybody else is sent.
    """
    said, origin = settings["ssl_verify"], settings.origin_of("ssl_verify")
    if said.lower() in ("", "true"):
        return True
    if origin == "repository":
        return said.lower() != "false" or any(each and each.origin == "outside" for each in sent)
    return False if said.lower() == "false" else Path(said)


def is_providers(address: Address) -> bool:
    """Return whether it is a host of the storage's provider, asked over TLS."""
    return _provider(address) is not None


def _provider(address: Address) -> re.Match[str] | None:
    parts, hosts = _split(address.url), _PROVIDERS.get(address.kind)
    if hosts is None or parts is None or parts.scheme != "https" or "@" in parts.netloc:
        return None
    return hosts.fullmatch(parts.hostname or "") if parts.port in (None, 443) else None


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL that everything reads in one way; None for any other."""
    if not url.isascii() or not url.isprintable() or any(each in url for each in ' "<>\\^`{|}'):
        return None
    try:
        parts = urlsplit(url)
        return parts if parts.hostname and parts.port != 0 else None
    except ValueError:
        return None


def _plain(url: str) -> str:
    """Return the URL with its port, if it has only scheme, host, port and path, else ''."""
    parts = _split(url)
    if parts is None or "@" in parts.netloc or parts.query or parts.fragment:
        return ""
    port = parts.port or _PORTS.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path.rstrip('/')}"


def _shown(address: Address) -> str:
    """Return what to say for the option: the address without secrets."""
    if address.option == "account_name":
        return address.host.partition(".")[0]
    plain, parts = _plain(address.url), _split(address.url)
    return f"{parts.scheme}://{address.host}{parts.path}" if plain and parts else "VALUE"
