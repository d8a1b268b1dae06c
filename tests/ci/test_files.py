from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio_action.ci import files
from studio_action.errors import WorkspaceRefused
from tests.ci.readers import gitlab_dotenv

OUTPUTS = {"version": "v1.0.0", "files": '["a", "b"]', "stage": "", "path": "$x"}


def test_write_json__lists_are_lists(tmp_path: Path) -> None:
    files.write_json(tmp_path / "outputs.json", OUTPUTS)

    assert json.loads((tmp_path / "outputs.json").read_text()) == {
        "version": "v1.0.0",
        "files": ["a", "b"],
        "stage": "",
        "path": "$x",
    }


def test_write_json__list_of_a_skipped_step_is_empty_text(tmp_path: Path) -> None:
    files.write_json(tmp_path / "outputs.json", {"files": ""})

    assert json.loads((tmp_path / "outputs.json").read_text()) == {"files": ""}


def test_write_env__what_gitlab_reads(tmp_path: Path) -> None:
    files.write_env(tmp_path / "outputs.env", OUTPUTS, "MODEL_")

    assert gitlab_dotenv((tmp_path / "outputs.env").read_bytes()) == {"MODEL_VERSION": "v1.0.0"}


def test_write_each__one_file_per_output_to_the_byte(tmp_path: Path) -> None:
    files.write_each(tmp_path / "results", OUTPUTS)

    assert {each.name: each.read_bytes() for each in (tmp_path / "results").iterdir()} == {
        "version": b"v1.0.0",
        "files": b'["a", "b"]',
        "stage": b"",
        "path": b"$x",
    }


def test_write__replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "outputs"
    path.write_text("what was there")

    files.write(path, "new")

    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("outputs", "new")]


def test_write__makes_folders(tmp_path: Path) -> None:
    files.write(tmp_path / "a" / "b" / "outputs", "new")

    assert (tmp_path / "a" / "b" / "outputs").read_text() == "new"


def test_write__relative_to_the_current_folder(workspace: Path) -> None:
    files.write(Path("build/outputs"), "new")

    assert (workspace / "build" / "outputs").read_text() == "new"


def test_write__mode(tmp_path: Path) -> None:
    files.write(tmp_path / "urls", "new", mode=0o600)

    assert (tmp_path / "urls").stat().st_mode & 0o777 == 0o600


def test_write__folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()

    with pytest.raises(WorkspaceRefused):
        files.write(tmp_path / "outputs", "new")


def test_write__file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")

    with pytest.raises(WorkspaceRefused):
        files.write(tmp_path / "a" / "outputs", "new")


def test_write__folder_whose_name_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceRefused):
        files.write(tmp_path / ("x" * 300) / "outputs", "new")


def test_append__ends_an_unfinished_line_first(tmp_path: Path) -> None:
    path = tmp_path / "outputs"
    path.write_text("unfinished")

    files.append(path, "one\n")
    files.append(path, "two\n")

    assert path.read_text() == "unfinished\none\ntwo\n"


def test_append__nothing_makes_no_file(tmp_path: Path) -> None:
    files.append(tmp_path / "outputs", "")

    assert list(tmp_path.iterdir()) == []


def test_size__no_file_yet(tmp_path: Path) -> None:
    assert files.size(tmp_path / "outputs") == 0


def test_size__folder_on_the_way_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")

    with pytest.raises(WorkspaceRefused):
        files.size(tmp_path / "a" / "outputs")
