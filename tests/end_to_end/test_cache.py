"""A cache that jobs share, and objects that the real DVC laid out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import sample
from tests.end_to_end.conftest import Program


def test_download__a_second_job_asks_only_the_api(program: Program, tmp_path: Path) -> None:
    asked = ("--model", "dir-model", f"--cache-dir={tmp_path / 'cache'}")
    assert program.run("download-model", *asked, "--dest=first").outputs["cached"] == "false"
    program.server.fetches.clear()

    second = program.run("download-model", *asked, "--dest=second")

    assert (second.code, second.outputs["cached"]) == (0, "true")
    assert program.server.fetches == []
    files = program.files()
    first = {
        path.removeprefix("first/"): files[path] for path in files if path.startswith("first/")
    }
    assert first == {
        path.removeprefix("second/"): files[path] for path in files if path.startswith("second/")
    }


@pytest.mark.parametrize("model", ["dir-model", "legacy-model", "legacy-dir"])
def test_download__from_what_the_real_dvc_laid_out(
    program: Program, tmp_path: Path, model: str
) -> None:
    """DVC's remote has the layout of its cache; these objects are the real DVC's, 3 and 2."""
    cache = tmp_path / "cache"
    shutil.copytree(sample.OBJECTS / "s3/models/registry", cache)

    ran = program.run("download-model", "--model", model, f"--cache-dir={cache}")

    assert (ran.code, ran.outputs["cached"]) == (0, "true"), ran.said
    assert program.server.fetches == []
