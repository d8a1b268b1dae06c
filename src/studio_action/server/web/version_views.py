"""Prepares what a version holds for its page: shortened, and safe to show. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from markupsafe import Markup

from studio_action.gitrepo.git.commit import Commit
from studio_action.gitrepo.locate.located import InRemote, InRepository, LocatedFile
from studio_action.server.db.audit import AuditEntry
from studio_action.server.registry.model_details import Card
from studio_action.server.web import markdown
from studio_action.text import printable

_LONGEST = 200
_LINES = 40
_CLAIMS = 4
_LATEST = datetime(9999, 12, 31, tzinfo=timezone.utc).timestamp()


@dataclass(frozen=True, slots=True)
class FileView:
    """One file; `shown` is its path as far as there is room, `where` what keeps it."""

    path: str
    shown: str
    size: int | None
    digest: str
    where: str


@dataclass(frozen=True, slots=True)
class CommitView:
    """A commit's message in lines, and who wrote it when; None for an unknown moment."""

    author: str
    when: datetime | None
    subject: str
    body: Sequence[str]


@dataclass(frozen=True, slots=True)
class CardView:
    """A model card; `html` is None if it is too long to be shown."""

    path: str
    html: Markup | None


@dataclass(frozen=True, slots=True)
class DownloadView:
    """An answer that named a version: to whom, by which endpoint, from which job."""

    when: datetime
    by: str
    action: str
    client: str
    claims: Sequence[str]


def view_file(file: LocatedFile) -> FileView:
    """Return the view of one file of a model."""
    digest = f"{file.digest.algorithm} {file.digest.hex}" if file.digest else ""
    return FileView(file.path, printable(file.path, _LONGEST), file.size, digest, _where(file))


def _where(file: LocatedFile) -> str:
    match file.home:
        case InRepository():
            return "Git"
        case InRemote(settings):
            kept = f"remote {settings.name}" if file.pushed else f"not pushed to {settings.name}"
            return printable(kept, _LONGEST)
        case _:
            return "the web"


def total_size(files: Sequence[LocatedFile]) -> int | None:
    """Return the bytes of all files; None if the size of one is not known."""
    sizes = [file.size for file in files]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def checksum_line(file: LocatedFile) -> str:
    """Return the line of `md5sum` for a file; a comment if its MD5 is not known.

    A name with a line break or a backslash is written as `md5sum` writes it.
    """
    if file.digest is None or file.digest.algorithm != "md5":
        return f"# {printable(file.path)}: its MD5 is not known\n"
    escaped = file.path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == file.path else chr(92)}{file.digest.hex}  {escaped}\n"


def view_commit(commit: Commit) -> CommitView:
    """Return the view of a commit, which anybody may have written."""
    when = min(commit.when, _LATEST)
    lines = [printable(line, _LONGEST) for line in commit.body.splitlines()[: _LINES + 1]]
    return CommitView(
        printable(commit.author, _LONGEST),
        datetime.fromtimestamp(when, timezone.utc) if when else None,
        printable(commit.subject, _LONGEST),
        [*lines[:_LINES], "…"] if len(lines) > _LINES else lines,
    )


def view_card(card: Card | None) -> CardView | None:
    """Return a model card as HTML."""
    if card is None:
        return None
    try:
        return CardView(printable(card.path, _LONGEST), markdown.render(card.content))
    except markdown.TooLong:
        return CardView(printable(card.path, _LONGEST), None)


def view_download(entry: AuditEntry) -> DownloadView:
    """Return the view of an entry of the audit log."""
    claims = [f"{name}: {text}" for name, text in (entry.claims or {}).items()]
    return DownloadView(
        entry.time,
        printable(entry.token_name, _LONGEST),
        entry.action,
        entry.client,
        [printable(each, _LONGEST) for each in claims[:_CLAIMS]],
    )
