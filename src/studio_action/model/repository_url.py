"""The forms in which people name a Git repository, and the ones in which it is passed on. Pure.

User info is cut where the text comes in: what is not kept cannot leak. Of ssh forms the
conventional `git@` stays, because without it the URL means another account.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from studio_action.errors import BadInput

Form = Literal["short", "scp", "ssh", "https", "http"]

_SHORT = re.compile(r"(?P<owner>\w[\w.-]*)/(?P<name>[\w.-]+)", re.ASCII)
# The user of an scp-like form may hold anything but a slash, so that a password is cut, too.
_SCP = re.compile(r"(?:(?P<user>[^/]*)@)?(?P<host>[A-Za-z0-9][\w.-]*):(?P<path>.*)", re.ASCII)
_HOST = re.compile(r"(?:[A-Za-z0-9][\w.-]*|\[[0-9A-Fa-f:.]+\])", re.ASCII)
_SEGMENT = re.compile(r"(?:[\w.~+-]|%[0-9A-Fa-f]{2})+", re.ASCII)

_ALIASES = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}
_FORMS = "owner/name, git@host:owner/name.git, https://host/owner/name or ssh://git@host/owner/name"


@dataclass(frozen=True, slots=True)
class RepositoryUrl:
    """A repository, without user info, query or fragment.

    `host` carries the port, if one was given, and is empty for the short form `owner/name`;
    `path` has no slash at either end.
    """

    form: Form
    host: str
    path: str

    @classmethod
    def parse(cls, text: str) -> RepositoryUrl:
        """Read any accepted form; raise `BadInput`, which does not repeat user info, for others."""
        if not text or not text.isprintable() or " " in text:
            raise _refused(text)
        if "://" in text:
            return _parse_url(text)
        address = re.split(r"[?#]", text, maxsplit=1)[0] if "@" not in text else text
        if short := _SHORT.fullmatch(address.rstrip("/")):
            path = f"{short['owner']}/{short['name'].removesuffix('.git')}"
            return cls("short", "", _checked(text, path))
        return _parse_scp(text)

    def __str__(self) -> str:
        """Return the address that the API gets; it has no secret and may be logged."""
        match self.form:
            case "short":
                return self.path
            case "scp":
                return f"git@{self.host}:{self.path}"
            case "ssh":
                return f"ssh://git@{self.host}/{self.path}"
            case "https" | "http":
                return f"{self.form}://{self.host}/{self.path}"

    @property
    def web_url(self) -> str:
        """Return the URL of the repository's page for people; '' where it is not known."""
        page = self.path.removesuffix(".git")
        if self.form in ("https", "http"):
            return f"{self.form}://{self.host}/{page}"
        # ssh.dev.azure.com, ssh.github.com, altssh.bitbucket.org: the pages are elsewhere.
        if self.form == "short" or self.host.startswith(("ssh.", "altssh.")):
            return ""
        host = self.host if self.form == "scp" else re.sub(r":\d+\Z", "", self.host)
        return f"https://{host}/{page}"

    def fetch_url(self, default_server: str, *, over_ssh: bool = False) -> str:
        """Return the URL to fetch the repository from; `over_ssh` if the machine has an ssh key.

        Without a key it is https, where that URL is known: a CI job's token works over https.
        """
        if self.form in ("https", "http") or (over_ssh and self.form in ("scp", "ssh")):
            return str(self)
        if self.form == "short":
            return self.clone_url(default_server)
        return f"{self.web_url}.git" if self.web_url else str(self)

    def same_as(self, other: RepositoryUrl) -> bool:
        """Return whether both name one repository, perhaps in two forms."""
        return self._identity == other._identity

    @property
    def _identity(self) -> tuple[str, str]:
        host = re.sub(r":\d+\Z", "", self.host) if self.form == "ssh" else self.host
        return host.lower(), self.path.removesuffix(".git").lower()

    def clone_url(self, default_server: str) -> str:
        """Return a URL for `create-project`; `default_server` hosts the short form.

        https URLs end with `.git`, as all documented ones do, except Azure's, which cannot.
        """
        if self.form not in ("short", "https", "http"):
            return str(self)
        url = f"{default_server.rstrip('/')}/{self.path}" if self.form == "short" else str(self)
        return url if url.endswith(".git") or "/_git/" in url else f"{url}.git"


def commit_url(web: str, revision: str) -> str:
    """Return the URL of a commit's page, given the repository's; '' if one of both is ''."""
    if not web or not revision:
        return ""
    host = urlsplit(web).netloc
    between = "-/commit" if "gitlab" in host else "commits" if "bitbucket" in host else "commit"
    return f"{web}/{between}/{revision}"


def _parse_url(text: str) -> RepositoryUrl:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused(text) from None  # its text may hold a part of the password
    if ":" in host:
        host = f"[{host}]"
    # An `@` so late is the end of a password that holds a `?` or `#`.
    if not _HOST.fullmatch(host) or "@" in parts.query + parts.fragment:
        raise _refused(text)
    address = host if port is None else f"{host}:{port}"
    match parts.scheme:
        case "ssh" | "https" | "http":
            return RepositoryUrl(parts.scheme, address, _checked(text, parts.path.strip("/")))
    raise _refused(text)


def _parse_scp(text: str) -> RepositoryUrl:
    found = _SCP.fullmatch(text)
    # `C:/models` and `github:owner/name` are no hosts; an `@` in the path is a password's.
    if not found or (found["user"] is None and "." not in found["host"]) or "@" in found["path"]:
        raise _refused(text)
    path = re.split(r"[?#]", found["path"], maxsplit=1)[0]
    return RepositoryUrl("scp", found["host"].lower(), _checked(text, path.strip("/")))


def _checked(text: str, path: str) -> str:
    """Return `path` if every segment is a plain name, also percent-decoded; raise `BadInput`."""
    for segment in path.split("/"):
        name = unquote(segment)
        plain = _SEGMENT.fullmatch(segment) and name.isprintable() and "/" not in name
        if not plain or name in (".", ".."):
            raise _refused(text)
    return path


def _refused(text: str) -> BadInput:
    """Return the error for `text`, which has the text only where that can hold no secret."""
    if re.search(r"[@?#]", text):
        return BadInput("repo is not the address of a Git repository", f"Write {_FORMS}")
    return BadInput(f"repo {text!r} is not the address of a Git repository", _hint(text))


def _hint(text: str) -> str:
    alias, colon, path = text.partition(":")
    if colon and alias in _ALIASES:
        return f"Write https://{_ALIASES[alias]}/{path}"
    if re.match(r"[\w-]+(\.[\w-]+)+/\w", text):
        return f"Write https://{text}"
    return f"Write {_FORMS}"
