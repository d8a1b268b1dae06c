from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given
from hypothesis import strategies as st

from studio_action.model.artifact import ArtifactRef, AtStage, ModelName, Resolution
from studio_action.model.digest import Digest
from studio_action.model.plan import Filters
from studio_action.model.signed_tag import SignedTag
from studio_action.model.tagging import Tagging
from studio_action.outputs import summary
from studio_action.outputs.earlier import Earlier, EarlierFile
from studio_action.outputs.manifest import Download, FileRecord
from studio_action.outputs.summary import Surroundings
from studio_action.studio.api import Project
from studio_action.text import printable

MD5 = "d1f6e055" * 4
SHA256 = "0123456789abcdef" * 4
FILE = FileRecord("models/a.pkl", "models/a.pkl", 1500, MD5, SHA256, "md5", "storage")
DOWNLOAD = Download(
    resolution=Resolution(
        ArtifactRef("acme/churn", ModelName("churn")), AtStage("prod"), "studio", (), stage="prod"
    ),
    path="models",
    digest=Digest("md5", f"{MD5}.dir"),
    filters=Filters((), ()),
    files=(FILE, replace(FILE, path="models/b.pkl", verified="length", origin="workspace")),
    transferred=1500,
    started=datetime(2026, 1, 2, tzinfo=timezone.utc),
    seconds=2.0,
)
MANIFEST = ".studio-action/churn-1234/model.json"


def render(markdown: str) -> str:
    """What GitHub's own renderer makes of it."""
    page: str = cmarkgfm.github_flavored_markdown_to_html(
        markdown, options=Options.CMARK_OPT_UNSAFE
    )
    return page


def table_rows(page: str) -> list[list[str]]:
    """The texts of the cells, row by row, of all tables."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    cells = [re.findall(r"<t[hd]>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in row] for row in cells]


def links(page: str) -> list[str]:
    """Where the page leads to."""
    return [html.unescape(link) for link in re.findall(r'<a href="([^"]*)">', page)]


def test_of_download() -> None:
    page = render(summary.of_download(DOWNLOAD, MANIFEST))

    assert "<h3>Model <code>churn</code></h3>" in page
    assert table_rows(page) == [
        ["Asked for", "stage prod"],
        ["Stage", "prod"],
        ["Digest", f"md5:{MD5}.dir"],
        ["Files", "2, 3.0 kB"],
        ["Downloaded", "1.5 kB in 2.0 s (750 B/s)"],
        ["Verified", "MD5: 1; length only: 1"],
        ["Path", "models"],
        ["Repository", "acme/churn"],
        ["Source", "studio"],
        ["Manifest", MANIFEST],
        ["File", "Size", "MD5", "SHA-256", "Verified"],
        ["models/a.pkl", "1.5 kB", MD5, "0123456789abcdef…", "MD5"],
        ["models/b.pkl", "1.5 kB", MD5, "0123456789abcdef…", "length only; from the workspace"],
    ]


def test_of_download__who_signed_the_tags() -> None:
    signed = (
        SignedTag("churn@v1.0.0", "ssh", "ada@example.com", "SHA256:abc"),
        SignedTag("churn#prod#1", "ssh", "@bob <b>", "SHA256:def"),
    )
    resolution = replace(DOWNLOAD.resolution, signed_tags=signed)

    page = render(summary.of_download(replace(DOWNLOAD, resolution=resolution), MANIFEST))

    (row,) = (row for row in table_rows(page) if row[0] == "Tags signed by")
    assert row[1] == (
        "ada@example.com (SHA256:abc): churn@v1.0.0@bob <b> (SHA256:def): churn#prod#1"
    )


def test_of_download__version_is_known() -> None:
    resolution = replace(
        DOWNLOAD.resolution, version="v1.0.0", tag="churn@v1.0.0", revision="c0ffee"
    )

    page = render(summary.of_download(replace(DOWNLOAD, resolution=resolution), MANIFEST))

    facts = {row[0]: row[1] for row in table_rows(page)}
    assert (facts["Version"], facts["Tag"], facts["Commit"]) == (
        "v1.0.0",
        "churn@v1.0.0",
        "c0ffee",
    )


def test_of_download__link_to_the_repository() -> None:
    artifact = ArtifactRef("git@gitlab.com:acme/ml/churn.git", ModelName("churn"))
    resolution = replace(DOWNLOAD.resolution, artifact=artifact)

    page = render(summary.of_download(replace(DOWNLOAD, resolution=resolution), MANIFEST))

    assert links(page) == ["https://gitlab.com/acme/ml/churn"]
    assert ["Repository", "git@gitlab.com:acme/ml/churn.git"] in table_rows(page)


def test_of_download__everything_was_there() -> None:
    download = replace(DOWNLOAD, files=(replace(FILE, origin="workspace"),), transferred=0)

    page = render(summary.of_download(download, MANIFEST))

    assert ["Downloaded", "nothing: all files were there"] in table_rows(page)


def test_of_download__more_files_than_a_page_holds() -> None:
    files = tuple(replace(FILE, path=f"models/{n}.pkl") for n in range(1234))

    page = render(summary.of_download(replace(DOWNLOAD, files=files), MANIFEST))

    assert "<p>and 1,034 more: see the manifest</p>" in page
    assert sum(row[0].endswith(".pkl") for row in table_rows(page)) == summary.MOST_ROWS


def test_of_download__worst_names_stay_below_githubs_limit() -> None:
    files = (replace(FILE, path="@é|" * 1300),) * 5000

    page = summary.of_download(replace(DOWNLOAD, files=files), MANIFEST)

    assert len(page.encode()) < 1 << 20


def facts(**resolved: Any) -> dict[str, str]:
    """The facts on the page about a download."""
    resolution = replace(DOWNLOAD.resolution, **resolved)
    page = render(summary.of_download(replace(DOWNLOAD, resolution=resolution), MANIFEST))
    return {row[0]: row[1] for row in table_rows(page)}


def test_of_download__who_registered_and_assigned_it_when() -> None:
    found = facts(
        registered=Tagging("churn@v1.0.0", "Ada Example", 1_772_366_400),
        assigned=Tagging("churn#prod#1", "Bob <b>|@x", 1_772_452_800),
    )

    assert found["Registered"] == "Ada Example, 2026-03-01 12:00 UTC"
    assert found["Assigned"] == "Bob <b>|@x, 2026-03-02 12:00 UTC"


@pytest.mark.parametrize(
    ("repository", "server", "page"),
    [
        ("https://github.com/acme/m.git", "", "https://github.com/acme/m/commit/c0ffee"),
        ("git@gitlab.com:acme/m.git", "", "https://gitlab.com/acme/m/-/commit/c0ffee"),
        ("https://bitbucket.org/acme/m", "", "https://bitbucket.org/acme/m/commits/c0ffee"),
        ("acme/m", "https://ghe.example.org", "https://ghe.example.org/acme/m/commit/c0ffee"),
        ("acme/m", "", ""),
        ("/srv/m", "https://github.com", ""),
    ],
)
def test_of_download__leads_to_the_commit(repository: str, server: str, page: str) -> None:
    resolution = replace(
        DOWNLOAD.resolution, artifact=ArtifactRef(repository, ModelName("m")), revision="c0ffee"
    )

    shown = render(
        summary.of_download(
            replace(DOWNLOAD, resolution=resolution), MANIFEST, Surroundings(server)
        )
    )

    assert ["Commit", "c0ffee"] in table_rows(shown)
    assert (page in links(shown)) is bool(page)


def test_of_download__leads_to_the_registry_without_a_secret() -> None:
    around = Surroundings(registry="https://u:p@models.example.org/x/?token=5ec2e7")

    page = render(summary.of_download(DOWNLOAD, MANIFEST, around))

    assert "https://models.example.org/x/" in links(page)


def test_of_download__leads_to_the_model_where_the_registry_can_be_searched() -> None:
    around = Surroundings(registry="https://models.example.org/x/", searchable=True)
    artifact = ArtifactRef("acme/churn", ModelName("churn", "a/b"))
    resolution = replace(DOWNLOAD.resolution, artifact=artifact)

    page = render(summary.of_download(replace(DOWNLOAD, resolution=resolution), MANIFEST, around))

    assert "https://models.example.org/x/models?q=a%2Fb%3Achurn" in links(page)
    assert ["Registry", "https://models.example.org/x/"] in table_rows(page)


def earlier(**files: tuple[str, int]) -> Earlier:
    """What the last deploy had: digests and sizes by path, the paths without `.pkl`."""
    rows = (
        EarlierFile(f"models/{name}.pkl", f"models/{name}.pkl", size, sha256)
        for name, (sha256, size) in files.items()
    )
    return Earlier("v0.9.0", files=tuple(rows))


def test_of_download__what_changed_since_the_last_deploy() -> None:
    before = earlier(a=("f" * 64, 500), old=(SHA256, 4000))
    files = tuple(replace(FILE, path=path, source_path=path) for path in ("models/a.pkl", "m/new"))
    resolution = replace(DOWNLOAD.resolution, version="v1.0.0")

    page = render(
        summary.of_download(
            replace(DOWNLOAD, files=files, resolution=resolution),
            MANIFEST,
            Surroundings(earlier=before),
        )
    )

    rows = table_rows(page)
    assert [
        "Since the last deploy",
        "v0.9.0 → v1.0.0: 1 added, 1 removed, 1 changed (−1.5 kB)",
    ] in rows
    start = rows.index(["Change", "File", "Before", "Now"])
    assert rows[start + 1 : start + 4] == [
        ["added", "m/new", "", "1.5 kB"],
        ["removed", "models/old.pkl", "4.0 kB", ""],
        ["changed", "models/a.pkl", "500 B", "1.5 kB"],
    ]


def test_of_download__nothing_changed() -> None:
    same = earlier(a=(SHA256, 1500))
    files = (replace(FILE, source_path="models/a.pkl"),)

    page = render(
        summary.of_download(replace(DOWNLOAD, files=files), MANIFEST, Surroundings(earlier=same))
    )

    assert ["Since the last deploy", "the same files"] in table_rows(page)
    assert "Change</th>" not in page


def test_of_download__very_many_changes_and_the_worst_names_stay_below_githubs_limit() -> None:
    many = {f"{number}@é|<b>" * 50: (SHA256, 1) for number in range(3000)}

    page = summary.of_download(DOWNLOAD, MANIFEST, Surroundings(earlier=earlier(**many)))

    assert "and 2,951 more changes" in page
    assert len(page.encode()) < 1 << 20
    assert "<b>" not in page


def test_of_projects() -> None:
    projects = [
        Project("tsanhawn9y", "https://studio.org/p/churn-tsanhawn9y", "churn"),
        Project("x2", 'https://u:p@studio.org/@a"b|c?token=1', "a|b"),
    ]

    page = render(summary.of_projects(projects))

    assert table_rows(page) == [["Project", "Id"], ["churn", "tsanhawn9y"], ["a|b", "x2"]]
    assert links(page) == [
        "https://studio.org/p/churn-tsanhawn9y",
        'https://studio.org/@a"b|c',
    ]


HOSTILE = {
    "bar": "a|b",
    "escaped bar": r"a\|b",
    "code": "`a` ``b``",
    "HTML": "<img src=x onerror=alert(1)></code>",
    "comment": "<!-- a",
    "link": "[a](https://evil.org)",
    "image": "![a](https://evil.org/x.png)",
    "emphasis": "*a* _b_ **c** ~~d~~",
    "mention": "@octocat",
    "mail": "a@evil.org",
    "address": "https://evil.org",
    "bare address": "www.evil.org",
    "entity": "&lt;b&gt; &#64;",
    "backslash": "a\\",
    "heading": "a\n# b",
    "row": "a |\n| b | c |\n",
    "paragraph": "a\r\n\r\nb",
    "reference": "#12 GH-3 acme/churn@c0ffee",
    "formula": "$x$",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_cell__text_is_shown_and_is_nothing_else(text: str) -> None:
    page = render(f"| A | B |\n|---|---|\n| {summary.cell(text)} | x |\n")

    assert table_rows(page) == [["A", "B"], [printable(text), "x"]]
    body = page[page.index("<tbody>") :]
    assert set(re.findall(r"<(\w+)", body)) == {"tbody", "tr", "td", "code"}


@given(st.text(st.characters(), min_size=1))
def test_cell__any_text(text: str) -> None:
    shown = printable(text, summary.LONGEST_CELL)
    rows = table_rows(render(f"| A | B |\n|---|---|\n| {summary.cell(text)} | x |\n"))

    assert rows == [["A", "B"], [shown, "x"]]


def test_cell__nothing() -> None:
    assert summary.cell("") == ""
