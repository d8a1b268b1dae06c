"""The pages of versions, over a real repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.web.versions import CONTENT, Registry, versions


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with versions(tmp_path_factory.mktemp("versions")) as found:
        yield found


VERSION = "version?model=churn&version=v1.1.0"


def test_version__what_it_holds(registry: Registry) -> None:
    page = registry.ada.page(f"{registry.path}/{VERSION}")

    assert "churn v1.1.0" in page.text
    assert "Who leaves model gbm" in page.text
    assert "Files 4, " in page.text
    assert "One more commit Ada Example, 1 Mar 2026, 12:00 UTC" in page.text
    assert "auc 0.92 metrics.json loss.val 1 metrics.json" in page.text
    assert "lr 0.2 params.yaml seed 7 params.yaml" in page.text
    assert "Not in Git, or not readable: far.json." in page.text
    assert "models/model.bin 14 B md5 " in page.text
    assert "models/README.md Churn x" in page.text
    assert "license" not in page.text
    assert "evil.test" not in page.html
    assert f"/{registry.path}/compare?model=churn&from=v1.0.0&to=v1.1.0" in page.links()


def test_version__its_stages(registry: Registry) -> None:
    page = registry.ada.page(f"{registry.path}/version?model=churn&version=v1.0.0")

    assert f"/{registry.path}/stage?model=churn&stage=prod" in page.links()
    assert "Compare with" not in page.text


def test_version__that_is_not_annotated(registry: Registry) -> None:
    page = registry.ada.page(f"{registry.path}/version?model=ghost&version=v1.0.0")

    assert "model ghost is not annotated in dvc.yaml at" in page.text
    assert "One more commit" in page.text


@pytest.mark.parametrize(
    "query",
    ["", "?model=churn", "?model=churn&version=v9.0.0", "?model=nobody&version=v1.0.0", "?model=:"],
)
@pytest.mark.parametrize("page", ["version", "checksums", "file", "compare"])
def test_version__that_is_not_there(page: str, query: str, registry: Registry) -> None:
    registry.ada.page(f"{registry.path}/{page}{query}", 404)


def test_version__of_another_folder(registry: Registry) -> None:
    project = registry.here.project("Sub", subdir="sub")

    registry.ada.page(f"{project.path}/{VERSION}", 404)


def test_compare__what_changed(registry: Registry) -> None:
    page = registry.ada.page(f"{registry.path}/compare?model=churn&from=v1.0.0&to=v1.1.0")

    assert "auc metrics.json 0.91 0.92 +0.01 loss.val metrics.json 1 1" in page.text
    assert "lr params.yaml 0.1 0.2 +0.1" in page.text
    assert "models/model.bin changed 5 B → 14 B" in page.text
    assert "models/only-1.txt removed 1 B models/only-2.txt added 2 B" in page.text
    assert "same.txt" not in page.text


def test_compare__a_version_with_itself(registry: Registry) -> None:
    page = registry.ada.page(f"{registry.path}/compare?model=churn&from=v1.1.0&to=v1.1.0")

    assert "The files are the same." in page.text


def test_checksums__are_what_md5sum_reads(registry: Registry, tmp_path: Path) -> None:
    answer = registry.ada.answer(f"{registry.path}/checksums?model=churn&version=v1.1.0")

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "e4ba5cbd251c98e6cd1c23f126a3b81d  models/only-2.txt" not in answer.text
    assert "51037a4a37730f52c8732586d3aaa316  models/same.txt\n" in answer.text
    assert len(answer.text.splitlines()) == 4


def test_file__is_downloaded_and_noted(registry: Registry) -> None:
    query = "?model=churn&version=v1.1.0&path=models/model.bin"

    answer = registry.ada.answer(f"{registry.path}/file{query}")
    content = registry.ada.session.get(answer.headers["Location"], timeout=10)

    assert answer.status_code == 303
    assert content.content == CONTENT[2]
    assert content.headers["Content-Disposition"] == "attachment"
    registry.here.services.audit.flush()
    (entry,) = registry.here.services.audit.newest(1, model="churn")
    assert (entry.action, entry.token_name, entry.version) == ("file", "ada", "v1.1.0")
    registry.ada.page(f"{registry.path}/file?model=churn&version=v1.1.0&path=dvc.yaml", 404)


def test_downloads__are_for_those_with_the_scope(registry: Registry) -> None:
    query = "?model=churn&version=v1.0.0&path=models/model.bin"
    registry.ada.answer(f"{registry.path}/file{query}")
    registry.here.services.audit.flush()
    tokens = registry.here.services.tokens
    _, auditor = tokens.create(
        "eve", scopes=["model-registry", "audit"], repositories=["acme/models"], expires=None
    )
    path = f"{registry.path}/version?model=churn&version=v1.0.0"

    plain, allowed = registry.ada.page(path), registry.stranger(auditor).page(path)

    assert "Downloads" not in plain.text
    assert "Downloads" in allowed.text
    assert "ada" in allowed.text.partition("Downloads")[2]
    assert "file 127.0.0.1" in allowed.text


@pytest.mark.parametrize(
    "page",
    [
        VERSION,
        "compare?model=churn&from=v1.0.0&to=v1.1.0",
        "checksums?model=churn&version=v1.1.0",
        "file?model=churn&version=v1.1.0&path=models/model.bin",
    ],
)
def test_contents__are_not_public(page: str, registry: Registry) -> None:
    path = f"{registry.path}/{page}"
    other = registry.here.token("acme/other", name="mallory")[1]

    nobody, stranger = registry.stranger().answer(path), registry.stranger(other).answer(path)

    assert nobody.status_code == 303
    assert nobody.headers["Location"].startswith("/login?next=")
    assert stranger.status_code == 404
    assert "Page not found" in stranger.text


def test_model__public_links_to_no_contents(registry: Registry) -> None:
    links = registry.stranger().page(f"{registry.path}?model=churn").links()

    assert not [link for link in links if link and ("/version" in link or "/compare" in link)]
    assert f"/{registry.path}/stage?model=churn&stage=prod" in links


def test_version__hostile_texts_are_shown_as_text(registry: Registry) -> None:
    query = "model=odd&version=v1.0.0"
    pages = [
        registry.ada.page(f"{registry.path}/version?{query}"),
        registry.ada.page(f"{registry.path}/compare?model=odd&from=v1.0.0&to=v1.0.0"),
    ]

    for page in pages:
        assert [set(script) for script in page.all("script")] == [{"src", "defer"}] * 2
        assert not [name for _, told in page.elements for name in told if name.startswith("on")]
        assert "62615533" not in page.text
        assert "\u202e" not in page.html
    assert pages[0].text.count("alert(1)") > 5
