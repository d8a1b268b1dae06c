"""`make rehearse`: a GitHub workflow uses the release that `make release-check` made.

`act` runs it. The action is what the release's tag holds, and the engine pulls its image by digest
from the registry on loopback. The model comes from a server of the tests, which has Studio's API.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

from release import tree
from release.building import base_image
from release.checking import Rehearsal, Say
from release.registry import local_registry
from release.versions import Version
from studio_action.errors import ContentMismatch

_WORKFLOW = """\
on: push
jobs:
  deploy:
    runs-on: ubuntu-24.04
    steps:
      - id: model
        uses: {action}@{tag}
        with:
          token: ${{{{ secrets.DVC_STUDIO_TOKEN }}}}
          model: text-classifier
          stage: prod
          dest: model
      - run: sha256sum --check "$CHECKSUMS"
        env:
          CHECKSUMS: ${{{{ steps.model.outputs.checksums }}}}
      - run: cp "$MANIFEST" manifest.json
        env:
          MANIFEST: ${{{{ steps.model.outputs.manifest }}}}
"""
_PATIENCE = 300


def rehearse(root: Path, folder: Path, say: Say) -> None:
    """Run the workflow; raise `ContentMismatch` unless the released action did its work."""
    from tests.reference.server import serve

    made = Rehearsal.load(folder)
    tag = Version.parse(made.version).floating[-1]
    action, job = folder / "action", folder / "job"
    for each in (action, job):
        shutil.rmtree(each, ignore_errors=True)
    origin = str(folder / "origin.git")
    calm = ("-c", "advice.detachedHead=false")
    tree.git(folder, *calm, "clone", "--quiet", "--branch", tag, origin, str(action))
    if f"docker://{made.step}" not in (action / "action.yml").read_text():
        raise ContentMismatch(f"the action at {tag} does not run {made.step}")
    _job(job, _WORKFLOW.format(action=made.action, tag=tag))
    with local_registry(folder / "registry", made.port), serve() as studio:
        done = subprocess.run(
            [
                *_act(root, job),
                f"--local-repository={made.action}@{tag}={action}",
                f"--env=DVC_STUDIO_URL={studio.url}",
            ],
            cwd=job,
            env={**os.environ, "DVC_STUDIO_TOKEN": studio.token},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )
        subprocess.run(["docker", "rmi", made.step], capture_output=True)
    if done.returncode:
        raise ContentMismatch(f"the workflow failed:\n{done.stdout}{done.stderr}")
    manifest = json.loads((job / "manifest.json").read_text())
    say(f"uses: {made.action}@{tag} pulled {made.step}")
    say(f"downloaded {', '.join(each['path'] for each in manifest['files'])}, verified")


def _job(folder: Path, workflow: str) -> None:
    """Make the checkout of a project whose only file is a workflow."""
    folder.mkdir()
    tree.git(folder, "init", "--quiet")
    who = ("-c", "user.name=rehearsal", "-c", "user.email=job@rehearsal.invalid")
    (folder / "workflow.yml").write_text(workflow)
    tree.git(folder, "add", ".")
    tree.git(folder, *who, "commit", "--quiet", "--no-gpg-sign", "--message=A job")
    tree.git(folder, "remote", "add", "origin", "https://github.com/acme/models.git")


def _act(root: Path, job: Path) -> list[str]:
    base = base_image((root / "Dockerfile").read_text("utf-8"))
    return [
        str(Path(sysconfig.get_path("scripts"), "act")),
        "push",
        f"--workflows={job / 'workflow.yml'}",
        f"--platform=ubuntu-24.04={base}",
        "--bind",
        "--pull=false",
        "--no-cache-server",
        "--no-recurse",
        "--rm",
        "--env=HTTPS_PROXY=http://127.0.0.1:1",  # the job reaches loopback alone
        "--secret=DVC_STUDIO_TOKEN",
    ]
