"""Several models in one step, as a person asks for them, from Git and from Studio."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests import sample
from tests.end_to_end.conftest import Program, Ran
from tests.end_to_end.test_download import contents
from tests.end_to_end.test_git import checkout, run, served
from tests.fakes import md5
from tests.gitrepo.repositories import made_at
from tests.server.running import until

__all__ = ["checkout", "served"]

WEB = b"of another repository"


@pytest.fixture
def other(program: Program, checkout: Path) -> Path:
    """Another repository, with a model of its own, beside the sample."""
    folder = program.workspace.parent / "other"
    store = folder / "store/files/md5" / md5(WEB)[:2]
    made_at(
        folder,
        {
            "dvc.yaml": b"artifacts:\n  other:\n    path: other.bin\n    type: model\n",
            "other.bin.dvc": f"outs:\n- md5: {md5(WEB)}\n  path: other.bin\n  hash: md5\n".encode(),
            ".dvc/config": b"[core]\n    remote = r\n['remote \"r\"']\n    url = ../store\n",
        },
        "other@v1.0.0",
    )
    store.mkdir(parents=True)
    (store / md5(WEB)[2:]).write_bytes(WEB)
    return folder


def below(program: Program, *folders: str) -> dict[str, bytes]:
    """What lies in some folders of the workspace, by path."""
    return {
        path: content
        for path, content in program.files().items()
        if path.startswith(tuple(f"{folder}/" for folder in folders))
    }


def rows(ran: Ran) -> dict[str, dict[str, str]]:
    found = ran.outputs["models"]
    return json.loads(found) if isinstance(found, str) else found


def test_download__of_two_repositories(program: Program, checkout: Path, other: Path) -> None:
    models = f"""
    - model: web-model
      version: ^1.0
      dest: one
    - model: dir-model@prod
      dest: two
      exclude: "*.txt"
    - model: other
      repo: {other}
      dest: three
    """
    ran = run(program, "download-model", f"--models={models}")

    assert ran.code == 0, ran.said
    found = below(program, "one", "two", "three")
    assert found["one/web/model.bin"] == contents("web-model", "v1.1.0+gpu")["web/model.bin"]
    assert found["three/other.bin"] == WEB
    assert {path for path in found if path.startswith("two/")} == {
        f"two/{path}" for path in contents("dir-model", "v0.2.0") if not path.endswith(".txt")
    }
    assert [each["version"] for each in rows(ran).values()] == ["v1.1.0+gpu", "v0.2.0", "v1.0.0"]
    for name, row in rows(ran).items():
        manifest = json.loads((program.workspace / row["manifest"]).read_text())
        assert (manifest["model"], manifest["digest"]) == (name, row["digest"])
    assert "Downloading 6 files of 3 models" in ran.said


def test_download__all_of_them_or_none(program: Program, checkout: Path, other: Path) -> None:
    (program.workspace / "three").mkdir()
    (program.workspace / "three/other.bin").write_bytes(b"mine")
    before = program.files()

    ran = run(
        program,
        "download-model",
        f"--models=[web-model, {{model: other, repo: {other}, dest: three}}, unpushed-model]",
    )

    assert ran.code == 12
    assert "unpushed-model: unpushed/model.bin" in ran.said
    assert program.files() == before


@pytest.mark.parametrize(
    ("layout", "models", "fault"),
    [
        ("repo", "- web-model\n- {model: other, repo: OTHER, dest: web}", ""),
        ("flat", "- {model: web-model, dest: a}\n- {model: az-dir, dest: a/model.bin}", "both be"),
    ],
)
def test_download__files_that_would_meet(
    program: Program, checkout: Path, other: Path, layout: str, models: str, fault: str
) -> None:
    models = models.replace("OTHER", str(other))
    ran = run(program, "download-model", f"--models={models}", f"--layout={layout}")

    assert ran.code == (16 if fault else 0), ran.said
    assert fault in ran.said


def test_download__one_is_not_there(program: Program, checkout: Path) -> None:
    models = "web-model@prod -> a\naz-model@nowhere -> b"

    ran = run(program, "download-model", f"--models={models}")
    assert ran.code == 12
    assert "az-model: " in ran.said
    assert not below(program, "a", "b")

    ran = run(program, "download-model", f"--models={models}", "--if-not-found=warn")
    assert (ran.code, list(below(program, "a", "b"))) == (0, ["a/web/model.bin"])
    assert rows(ran)["az-model"]["skipped"] == "true"
    assert "warning: Skipped: az-model: " in ran.said


def test_download__a_policy_is_that_of_each(program: Program, checkout: Path) -> None:
    policy = "rules:\n- {models: az-model, max-size: 1}\n"
    (program.workspace.parent / "policy.yml").write_text(policy)
    models = ("download-model", "--models=web-model -> a\naz-model -> b")

    ran = run(program, *models, f"--policy-file={program.workspace.parent / 'policy.yml'}")

    assert ran.code == 17
    assert not below(program, "a", "b")


def test_download__a_failure_to_resolve_names_its_model(program: Program, checkout: Path) -> None:
    models = f"[web-model, {{model: gone, repo: {program.workspace.parent}/nowhere}}]"

    ran = run(program, "download-model", f"--models={models}")

    assert ran.code != 0
    assert "error: gone: " in ran.said
    assert "web/model.bin" not in program.files()


def test_download__a_failure_ends_what_waits_for_another_repository(
    program: Program, checkout: Path
) -> None:
    """Git, too, which would wait for a server that does not answer for as long as it likes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/acme/silent.git"

        ran = run(program, "download-model", f"--models=[{{model: a, repo: '{address}'}}, nowhere]")

        assert (ran.code, "error: nowhere: " in ran.said) == (12, True), ran.said
        assert until(lambda: address.encode() not in commands())


def commands() -> bytes:
    """The command lines of all processes: one that was just killed may be there for a moment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            found.append(path.read_bytes())
    return b"\n".join(found)


def test_download__from_studio(program: Program) -> None:
    ran = program.run("download-model", "--models=web-model@prod -> a\ndir-model@prod -> b")

    assert ran.code == 0, ran.said
    assert program.files() == {
        **{f"a/{path}": it for path, it in contents("web-model", "v1.0.0").items()},
        **{f"b/{path}": it for path, it in contents("dir-model", "v0.2.0").items()},
    }


def test_resolve__urls_of_all(program: Program, checkout: Path) -> None:
    urls = program.workspace.parent / "urls.json"

    ran = run(
        program, "resolve-model", "--models=web-model@prod\naz-dir@prod", f"--urls-file={urls}"
    )

    assert ran.code == 0, ran.said
    assert list(json.loads(urls.read_text())) == ["web-model", "az-dir"]
    assert rows(ran)["az-dir"]["version"] == "v1.0.0"


def test_resolve__what_a_pipeline_could_deploy(program: Program, checkout: Path) -> None:
    ran = run(program, "resolve-model", "--stage=prod")

    assert ran.code == 0, ran.said
    expected = {
        name: model["stages"]["prod"]
        for name, model in sample.expected()["models"].items()
        if "prod" in model["stages"]
    }
    assert {name: row["version"] for name, row in rows(ran).items()} == expected
    assert rows(ran)["text-classifier"]["stages"] == {
        "dev": "v1.1.0-beta.2",
        "prod": "v1.0.0",
        "staging": "v2.0.0",
    }
    assert "git-model is left out" in ran.said
