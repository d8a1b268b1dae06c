from __future__ import annotations

from dataclasses import replace

import pytest

from studio_action.gitrepo import diagnosis
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history
from tests.gitrepo.memory import files

FIRST, SECOND, OTHER = "1" * 40, "2" * 40, "3" * 40


def found(*tags: tuple[str, str], annotated: bool = True) -> list[str]:
    refs = [TagRef(name, commit, when, annotated) for when, (name, commit) in enumerate(tags)]
    return [finding.text for finding in diagnosis.check_tags(refs, history.read(refs))]


def test_check_tags__nothing_odd() -> None:
    assert found(("m@v1.0.0", FIRST), ("m@v1.1.0", SECOND), ("m#prod#1", FIRST)) == []


CASES = {
    "an unassigned stage": (
        [("m@v1.0.0", FIRST), ("m#prod#1", FIRST), ("m#prod!#2", FIRST)],
        "stage prod: gto says unassigned; DVC would deploy 1111111",
    ),
    "a stage that falls back": (
        [
            ("m@v1.0.0", FIRST), ("m@v2.0.0", SECOND), ("m#prod#1", FIRST), ("m#prod#2", SECOND),
            ("m#prod!#3", SECOND),
        ],
        "stage prod: gto says v1.0.0; DVC would deploy 2222222",
    ),
    "a deregistered version": (
        [("m@v1.0.0", FIRST), ("m@v2.0.0", SECOND), ("m@v2.0.0!", SECOND)],
        "latest version: gto says v1.0.0; DVC would deploy v2.0.0",
    ),
    "a deprecated model": (
        [("m@v1.0.0", FIRST), ("m@deprecated", FIRST)],
        "latest version: gto says none",
    ),
    "a tag that gto chokes on": ([("m@created", FIRST)], "makes every `gto show` fail"),
}  # fmt: skip


@pytest.mark.parametrize(("tags", "text"), CASES.values(), ids=CASES.keys())
def test_check_tags(tags: list[tuple[str, str]], text: str) -> None:
    [finding] = found(*tags)
    assert text in finding


def test_check_tags__lightweight() -> None:
    [finding] = found(("m@v1.0.0", FIRST), annotated=False)
    assert "m@v1.0.0 is lightweight and ignored" in finding


def test_check_tags__two_versions_on_one_commit() -> None:
    findings = found(("m@v1.0.0", FIRST), ("m@v1.0.1", FIRST), ("m#prod#1", FIRST))
    assert len(findings) == 1
    assert "v1.0.1" in findings[0]


def test_check_files__each_broken_one_once() -> None:
    models = history.read(
        TagRef(name, "1" * 40, when, True) for when, name in enumerate(("m@v1.0.0", "n@v1.0.0"))
    )
    there = files({"dvc.yaml": "artifacts: {}", "x/broken.dvc": "a: [", "ok.dvc": "outs: []"})

    (found,) = diagnosis.check_files(models, lambda revision: there)

    assert (found.severity, found.model) == ("warning", "")
    assert found.text.startswith("x/broken.dvc at ")


def test_check_files__once_for_all_commits_that_count() -> None:
    tags = [("m@v1.0.0", FIRST), ("m@v2.0.0", SECOND), ("m#prod#1", FIRST), ("o@v1.0.0", OTHER)]
    refs = [TagRef(name, commit, when, True) for when, (name, commit) in enumerate(tags)]
    broken = {"x/a.dvc": "a: [", "ignored/b.dvc": "a: [", ".dvcignore": "ignored"}
    at = {
        FIRST: {**broken, "c.dvc": "outs: 3"},
        SECOND: {**broken, "m.dvc": "outs: []"},
        OTHER: {".dvcignore": "["},
    }

    findings = list(
        diagnosis.check_files(
            history.read(refs), lambda commit: replace(files(at[commit]), revision=commit)
        )
    )

    assert [finding.text.partition(" ")[0] for finding in findings] == ["x/a.dvc", "c.dvc"]
    assert all(finding.severity == "warning" and not finding.model for finding in findings)


def test_check_files__what_cannot_be_looked_through() -> None:
    refs = [TagRef("m@v1.0.0", FIRST, 1, True)]
    there = replace(files({".dvcignore": "a\\", "m.dvc": ""}), revision=FIRST)

    [finding] = diagnosis.check_files(history.read(refs), lambda commit: there)

    assert ".dvcignore at 1111111 cannot be read" in finding.text
