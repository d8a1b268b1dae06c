"""What a job's summary page says, as GitHub's Markdown. Pure.

Everything from outside goes through `cell`, so that no name can add markup, a mention or a link.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from studio_action.download.base import Verified
from studio_action.model.repository_url import RepositoryUrl, commit_url
from studio_action.outputs.details import speed
from studio_action.outputs.earlier import Earlier, changes
from studio_action.outputs.manifest import Download, FileRecord, digest_text
from studio_action.studio.api import Project
from studio_action.text import escape_markup, human_size, printable, redact

if TYPE_CHECKING:
    from studio_action.outputs.download_plan import DownloadPlan

MOST_CHANGES = 50
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


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a page tells besides the download: the pages it leads to, and what there was before.

    `server` hosts a repository that is named by `owner/name` alone; `registry` is the URL of the
    registry's own page with a final slash, '' where there is none. It has a page that searches for
    models, if it is `searchable`: a server of one's own.
    """

    server: str = ""
    registry: str = ""
    searchable: bool = False
    earlier: Earlier | None = None


def of_download(download: Download, manifest: str, around: Surroundings = Surroundings()) -> str:
    """Return the page about a download and its files; `manifest` is the path of the full record."""
    resolution = download.resolution
    web = web_page(resolution.artifact.repository, around.server)
    facts = {
        "Version": cell(resolution.version),
        "Stage": cell(resolution.stage),
        "Assigned": cell(str(resolution.assigned or "")),
        "Registered": cell(str(resolution.registered or "")),
        "Before in this stage": cell(resolution.previous_version),
        "Commit": _link(resolution.revision[:12], commit_url(web, resolution.revision)),
        "Tag": cell(resolution.tag),
        "Digest": cell(digest_text(download.digest)),
        "Files": f"{len(download.files):,}, {human_size(download.size)}",
        "Downloaded": speed(download),
        "Verified": _verified(download.files),
        "Signed by": cell("; ".join(map(str, download.signatures))),
        "Tags signed by": "<br>".join(
            f"{cell(str(each))}: {cell(each.tag)}" for each in resolution.signed_tags
        ),
        "Policy": cell("; ".join(each.summary for each in download.policy)),
        "Since the last deploy": _since(around.earlier, download),
        "Path": cell(download.path),
        "Repository": _link(resolution.artifact.repository, web),
        "Source": cell(resolution.source),
        "Registry": _registry(around, str(resolution.artifact.model)),
        "Manifest": cell(manifest),
    }
    rows = [_file_row(file) for file in download.files[:MOST_ROWS]]
    more = len(download.files) - len(rows)
    return _page(
        f"### Model {cell(str(resolution.artifact.model))}",
        _table(("Asked for", cell(str(resolution.selector))), facts.items()),
        *_changes(around.earlier, download),
        _table(("File", "Size", "MD5", "SHA-256", "Verified"), rows),
        f"and {more:,} more: see the manifest" if more else "",
    )


def web_page(repository: str, server: str) -> str:
    """Return the URL of a repository's page for people; '' for a folder of this machine."""
    if repository.startswith("/"):
        return ""
    address = RepositoryUrl.parse(repository)
    if address.form == "short" and server:
        address = RepositoryUrl.parse(address.clone_url(server))
    return address.web_url


def _registry(around: Surroundings, model: str) -> str:
    """Return a link to the registry: to the model, where it can be searched for."""
    page = redact(around.registry)
    if not page or not around.searchable:
        return _link(page, page)
    address = f"{page}models?q={quote(model, safe='')}"
    return f'<a href="{escape_markup(address)}">{cell(page)}</a>'


def _since(earlier: Earlier | None, download: Download) -> str:
    """Return in a line what is other than before; '' where nothing is known of it."""
    if earlier is None:
        return ""
    found = changes(earlier, download)
    before, now = earlier.version or earlier.revision[:7], download.resolution.version
    versions = f"{cell(before)} → {cell(now)}: " if before and now and before != now else ""
    counts = {
        "added": len(found.added),
        "removed": len(found.removed),
        "changed": len(found.changed),
    }
    said = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    difference = download.size - sum(file.size for file in earlier.files)
    grown = (
        f" ({'+' if difference > 0 else '−'}{human_size(abs(difference))})" if difference else ""
    )
    return f"{versions}{said or 'the same files'}{grown}"


def _changes(earlier: Earlier | None, download: Download) -> list[str]:
    """Return a table of the files that are other than before; nothing if none is."""
    found = changes(earlier, download) if earlier else None
    if not found:
        return []
    rows = [
        *(("added", cell(path), "", human_size(size)) for path, size in found.added.items()),
        *(("removed", cell(path), human_size(size), "") for path, size in found.removed.items()),
        *(
            ("changed", cell(path), human_size(before), human_size(now))
            for path, (before, now) in found.changed.items()
        ),
    ]
    more = len(rows) - MOST_CHANGES
    return [
        _table(("Change", "File", "Before", "Now"), rows[:MOST_CHANGES]),
        f"and {more:,} more changes" if more > 0 else "",
    ]


def _verified(files: Sequence[FileRecord]) -> str:
    """Return how the files were verified, with their numbers where it was in several ways."""
    counted = Counter(file.verified for file in files)
    if len(counted) == 1:
        return _VERIFIED[next(iter(counted))]
    return "; ".join(f"{_VERIFIED[how]}: {count:,}" for how, count in counted.most_common())


def of_plan(plan: DownloadPlan) -> str:
    """Return the page about a download that is only planned."""
    from studio_action.outputs import download_plan

    rows = [
        (each.action, "?" if each.size is None else human_size(each.size), cell(each.path))
        for each in plan.files[:MOST_ROWS]
    ]
    more = len(plan.files) - len(rows)
    facts = [cell(line) for line in download_plan.facts(plan)]
    return _page(
        "### Dry run: nothing was downloaded",
        "<br>".join(facts),
        _table(("Action", "Size", "File"), rows),
        f"and {more:,} more" if more else "",
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


def _link(label: str, url: str) -> str:
    """Return a link without user info and query; the mere label where there is no URL."""
    address = redact(url) if url.startswith(("https://", "http://")) else ""
    return f'<a href="{escape_markup(address)}">{cell(label)}</a>' if address else cell(label)


def _file_row(file: FileRecord) -> tuple[str, ...]:
    verified = _VERIFIED[file.verified]
    return (
        cell(file.path),
        human_size(file.size),
        cell(file.md5),
        cell(file.sha256[:16] + "…"),
        verified if file.origin == "storage" else f"{verified}; from the {file.origin}",
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table without the rows whose second column is empty."""
    known = [row for row in rows if row[1]]
    lines = [head, ("---",) * len(head), *known]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _page(*blocks: str) -> str:
    return "\n\n".join(block.rstrip("\n") for block in blocks if block) + "\n\n"
