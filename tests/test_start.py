"""What a run imports before it has done its work: a step is short, and imports are most of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.download.storage import Reply, Request, running
from tests.fakes import md5
from tests.gitrepo.repositories import made_at

PROGRAM = """
import json, os, sys
from studio_action import cli
code = cli.run(sys.argv[1:], os.environ)
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""

RARE = {
    f"studio_action.{name}"
    for name in (
        "download.cache",
        "download.sizes",
        "download.watching",
        "gitrepo.git.commit",
        "gitrepo.signatures.requirement",
        "gitrepo.signatures.verifier",
        "inputs.models",
        "inputs.several",
        "model.signed_tag",
        "outputs.download_plan",
        "outputs.ml_bom",
        "policy.check",
        "policy.facts",
        "policy.gathering",
        "policy.rules",
        "policy.values",
        "run.dry_run",
        "run.several_models",
        "run.side_by_side",
        "signature.policy",
        "signature.verifying",
    )
}
"""What a download needs that requires something of a version or of several models, or plans."""


def imported(*arguments: str, cwd: Path, **environ: str) -> set[str]:
    """The modules that a run has imported in a new process, without those of Python itself."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), **environ},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    bare = [sys.executable, "-c", "import json, os, sys; print(json.dumps(sorted(sys.modules)))"]
    before = json.loads(subprocess.run(bare, check=True, capture_output=True).stdout)
    names = set(json.loads(ran.stderr.splitlines()[-1])) - set(before)
    return {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}


def packages(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def ours(names: set[str]) -> set[str]:
    return {name for name in names if name.startswith("studio_action.")}


def test_help__imports_click_and_the_table_of_inputs(tmp_path: Path) -> None:
    names = imported("--help", cwd=tmp_path)

    assert packages(names) == {"click", "studio_action"}
    beside_the_command_line = {
        name for name in ours(names) if not name.startswith("studio_action.cli")
    }
    assert beside_the_command_line <= {
        "studio_action.errors",
        "studio_action.inputs",
        "studio_action.inputs.groups",
        "studio_action.inputs.lookup",
        "studio_action.inputs.outputs_table",
        "studio_action.inputs.table",
        "studio_action.signals",
        "studio_action.text",
    }


def test_download__of_git_imports_nothing_of_studio_and_of_no_cloud(tmp_path: Path) -> None:
    content, digest = b"weights", md5(b"weights")
    pointer = f"outs:\n- md5: {digest}\n  size: {len(content)}\n  hash: md5\n  path: m.bin\n"
    repository = made_at(
        tmp_path / "models",
        {
            ".dvc/config": b"[core]\nremote = shelf\n",
            "dvc.yaml": b"artifacts:\n  m:\n    path: m.bin\n",
            "m.bin.dvc": pointer.encode(),
        },
        "m@v1.0.0",
    )
    shelf = tmp_path / "shelf"
    place = shelf / "files/md5" / digest[:2] / digest[2:]
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    (repository / ".dvc/config.local").write_text(f"['remote \"shelf\"']\nurl = {shelf}\n")

    names = imported(
        *("download-model", "--repo=.", "--model=m", "--source=git", "--dest=got"), cwd=repository
    )

    assert (repository / "got/m.bin").read_bytes() == content
    public = {name for name in packages(names) if not name.startswith(("_", "cython"))}
    assert public <= {
        "click",
        "configobj",
        "pathspec",
        "pycurl",
        "ruamel",
        "semantic_version",
        "studio_action",
    }
    assert ours(names) & RARE == set()
    assert not ours(names) & {
        "studio_action.net.http_client",
        "studio_action.registries.studio",
        "studio_action.studio.session",
    }
    assert not any(name.startswith("studio_action.server") for name in names)


def test_download__of_studio_imports_no_reader_of_repositories_and_nothing_rare(
    tmp_path: Path,
) -> None:
    with running() as storage:
        url = storage.put(f"files/md5/{md5(b'weights')[:2]}/{md5(b'weights')[2:]}", b"weights")

        def studio(request: Request) -> Reply | None:
            asked = "get-download-uris" in request.path
            body = json.dumps({"m.bin": url} if asked else {}).encode()
            found = Reply(200 if asked else 404, body)
            return found if request.path.startswith("/api/") else None

        storage.always(studio)
        names = imported(
            *("download-model", f"--studio-url={storage.url}", "--model=m", "--version=v1.0.0"),
            "--repo=http://127.0.0.1:1/acme/models.git",
            cwd=tmp_path,
            DVC_STUDIO_TOKEN="isat_start",
        )

    assert (tmp_path / "m.bin").read_bytes() == b"weights"
    assert ours(names) & RARE == set()
    assert not ours(names) & {
        "studio_action.gitrepo.git.revision",
        "studio_action.gitrepo.git.trees",
        "studio_action.gitrepo.locate.context",
        "studio_action.registries.git",
    }
    assert not packages(names) & {"configobj", "pathspec", "ruamel"}
