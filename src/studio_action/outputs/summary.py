"""What a job's summary page says, as GitHub's Markdown. Pure.

Everything from outside goes through `cell`, so that no name can add markup, a mention or a link.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from studio_action.download.base import Verified
from studio_action.model.repository_url import RepositoryUrl
from studio_action.outputs.manifest import Download, FileRecord, digest_text
from studio_action.studio.api import Project
from studio_action.text import escape_markup, human_size, human_time, printable, redact

MOST_ROWS = 200
"""Files that are listed; the manifest has all."""
LONGEST_CELL = 300

_VERIFIED: dict[Verified, str] = {
    "md5": "MD5",
    "md5-dos2unix": "MD5 of the text",
    "content-md5": "MD5 from the storage",
    "etag": "ETag that DVC noted",
    "length": "length only",
    "none": "no",
    "off": "no (switched off)",
}


def of_download(download: Download, manifest: str) -> str:
    """Return the page about a download and its files; `manifest` is the path of the full record."""
    resolution = download.resolution
    facts = {
        "Version": cell(resolution.version),
        "Stage": cell(resolution.stage),
        "Tag": cell(resolution.tag),
        "Revision": cell(resolution.revision),
        "Tags signed by": "<br>".join(
            f"{cell(str(each))}: {cell(each.tag)}" for each in resolution.signed_tags
        ),
        "Repository": _repository(resolution.artifact.repository),
        "Source": cell(resolution.source),
        "Path": cell(download.path),
        "Digest": cell(digest_text(download.digest)),
        "Signed by": cell("; ".join(map(str, download.signatures))),
        "Files": f"{len(download.files):,}, {human_size(download.size)}",
        "Downloaded": _speed(download),
        "Policy": cell("; ".join(each.summary for each in download.policy)),
        "Manifest": cell(manifest),
    }
    rows = [_file_row(file) for file in download.files[:MOST_ROWS]]
    more = len(download.files) - len(rows)
    return _page(
        f"### Model {cell(str(resolution.artifact.model))}",
        _table(("Asked for", cell(str(resolution.selector))), facts.items()),
        _table(("File", "Size", "MD5", "SHA-256", "Verified"), rows),
        f"and {more:,} more: see the manifest" if more else "",
    )


def of_projects(projects: Sequence[Project]) -> str:
    """Return the page about the projects that were created."""
    rows = [(_link(each.name, each.url), cell(each.id)) for each in projects]
    return _page("### Studio projects", _table(("Project", "Id"), rows))


def cell(text: str) -> str:
    """Return `text` from outside as one line of code in a table, without any markup of its own."""
    line = escape_markup(printable(text, LONGEST_CELL))
    # The comment keeps an address or a user's name from becoming a link.
    line = line.replace("&#64;", "&#64;<!-- -->")
    return f"<code>{line}</code>" if line else ""


def _repository(text: str) -> str:
    page = "" if text.startswith("/") else RepositoryUrl.parse(text).web_url  # "": a folder
    return _link(text, page) if page else cell(text)


def _link(label: str, url: str) -> str:
    return f'<a href="{escape_markup(redact(url))}">{cell(label)}</a>'


def _file_row(file: FileRecord) -> tuple[str, ...]:
    verified = _VERIFIED[file.verified]
    return (
        cell(file.path),
        human_size(file.size),
        cell(file.md5),
        cell(file.sha256[:16] + "…"),
        verified if file.origin == "storage" else f"{verified}; from the {file.origin}",
    )


def _speed(download: Download) -> str:
    if download.cached:
        return "nothing: all files were there"
    speed = human_size(download.transferred / max(download.seconds, 1e-3))
    amount = human_size(download.transferred)
    return f"{amount} in {human_time(download.seconds)} ({speed}/s)"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table without the rows whose second column is empty."""
    known = [row for row in rows if row[1]]
    lines = [head, ("---",) * len(head), *known]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _page(*blocks: str) -> str:
    return "\n\n".join(block.rstrip("\n") for block in blocks if block) + "\n\n"
