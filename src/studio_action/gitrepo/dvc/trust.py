"""Whose word counts for a remote, and where a credential may go. Pure.

A repository is text that others wrote, and the credentials are ours. Every option of a remote
says where it comes from (`Option`), and two questions are answered here alone, for the step and
for the server:

- `allowed_options`: what may a committed option say? Where objects lie and how they are laid out,
  with credentials of the repository's own; nothing that names a file, a profile, a command or an
  identity of this machine. What is not listed here does not count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from studio_action.text import printable

Origin = Literal["repository", "outside"]
"""Where an option comes from: `repository`, committed there by whoever may push; `outside`, said
by whoever runs this: config.local, the user's or the machine's configuration, the environment, the
server's configuration."""


@dataclass(frozen=True, slots=True)
class Option:
    """What an option says, which may be a secret, and where that was said."""

    text: str = field(repr=False)
    origin: Origin


LAYOUT = frozenset({"worktree", "version_aware"})
"""How objects are laid out below a remote's address."""
_LOGIN = frozenset({"tenant_id", "client_id", "client_secret"})
"""Says who one is only if all of it is said at once; without the secret, the ids pick one of us."""
_SWITCHES = frozenset({"ssl_verify"})
"""Options that are a switch, or else the path of a file of this machine."""
ADMITTED = (
    frozenset(
        {
            "access_key_id",
            "account_key",
            "account_name",
            "allow_anonymous_login",
            "auth",
            "connect_timeout",
            "connection_string",
            "connection_timeout",
            "custom_auth_header",
            "endpointurl",
            "oss_endpoint",
            "oss_key_id",
            "oss_key_secret",
            "password",
            "port",
            "projectname",
            "read_timeout",
            "region",
            "sas_token",
            "secret_access_key",
            "session_token",
            "sse_customer_algorithm",
            "sse_customer_key",
            "timeout",
            "token",
            "url",
            "use_https",
            "use_ssl",
            "user",
        }
    )
    | LAYOUT
    | _LOGIN
    | _SWITCHES
)
"""What a committed option may say, as DVC names it (dvc, `config_schema.py`)."""
_OF_NO_MATTER = frozenset(
    {
        "acl",
        "ask_passphrase",
        "ask_password",
        "cache_regions",
        "checksum_jobs",
        "gdrive_acknowledge_abuse",
        "gdrive_trash_only",
        "grant_full_control",
        "grant_read",
        "grant_read_acp",
        "grant_write_acp",
        "jobs",
        "listobjects",
        "max_sessions",
        "method",
        "no_traverse",
        "protected",
        "replication",
        "shared",
        "slow_link_warning",
        "sse",
        "sse_kms_key_id",
        "type",
        "verify",
    }
)
"""Nothing is read in another way for these: they are about writing, or how DVC itself works."""


def allowed_options(said: Mapping[str, str]) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return those of a remote's committed options that count, and the names of the others."""
    counts = {name: text for name, text in said.items() if _may_be_said(name, text)}
    if not all(counts.get(name) for name in _LOGIN):
        counts = {name: text for name, text in counts.items() if name not in _LOGIN}
    return counts, tuple(sorted(said.keys() - counts.keys() - _OF_NO_MATTER))


def _may_be_said(name: str, text: str) -> bool:
    if name in _SWITCHES:
        return text.lower() in ("true", "false")
    return name in ADMITTED


def ignored_options_warning(remote: str, dropped: Collection[str], how: str = "") -> str:
    """Return what to tell of committed options that do not count, and `how` to say them oneself."""
    names = ", ".join(printable(name, 50) for name in sorted(dropped))
    name = printable(remote, 100)
    how = how or f"`dvc remote modify --local {name} {printable(min(dropped), 50)} VALUE`"
    return (
        f"Ignored {names} of the remote {name!r}: only this machine may set that, not the"
        f" repository. To set it yourself: {how}"
    )


def unchecked_certificate_warning(remote: str, said: str, tls_verify: bool | Path) -> str:
    """Return what to tell of a remote whose `ssl_verify` says that no certificate is checked; or
    ''.
    """
    if said.lower() != "false":
        return ""
    name = printable(remote, 100)
    if tls_verify is False:
        return f"The certificate of the remote {name!r} is not checked: its ssl_verify is false"
    return (
        f"The certificate of the remote {name!r} is checked although the repository sets ssl_verify"
        " = false, because your credential is sent there. To allow it: `dvc remote modify --local"
        f" {name} ssl_verify false`"
    )


def is_below(url: str, top: str) -> bool:
    """Return whether an address is at `top` or below it, however the rest of the path is read."""
    if not top or not url.startswith(top):
        return False
    rest = url.removeprefix(top)
    plain = all(part not in (".", "..") for part in rest.split("/"))
    return plain and rest[:1] in ("", "/") and not any(each in rest for each in "%\\?#@")
