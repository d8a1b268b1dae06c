"""The main job with no account: `make demo`.

An embedded API and a Git server serve the sample registry on loopback; the real program creates a
project there and downloads what is in production.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import reference, sample
from tests.servers.git import git_server

FOLDER = Path(".demo")
COMMANDS = (
    ("create-project", "--project-name", "churn"),
    ("download-model", "--model", "models/churn:churn", "--stage", "prod"),
)
PROGRAM = Path(sys.executable).with_name("studio-action")


def demo(folder: Path) -> int:
    """Run every command in a new `folder`; the exit code of the first that fails, or 0."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with (
        reference.serve() as server,
        tempfile.TemporaryDirectory() as repositories,
        git_server(_repositories(Path(repositories))) as git,
    ):
        repository = f"{git.url}/{reference.REPOSITORY}.git"
        environ = _environ(server) | {"STUDIO_ACTION_REPO": repository}
        print(f"An API on loopback at {server.url} knows the repository {repository}\n", flush=True)
        for command in COMMANDS:
            print("$ studio-action", shlex.join(command), flush=True)
            ran = subprocess.run(
                [PROGRAM, *command], cwd=folder, env=environ, stderr=subprocess.STDOUT
            )
            if ran.returncode:
                return ran.returncode
            print(flush=True)
    print("Files in", folder)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        print(f"{path.stat().st_size:>8}  {path.relative_to(folder)}")
    return 0


def _repositories(folder: Path) -> Path:
    """The sample repository, as a Git server has it."""
    place = folder / f"{reference.REPOSITORY}.git"
    clone = ["git", "clone", "--quiet", "--bare", str(sample.BUNDLE), str(place)]
    subprocess.run(clone, check=True)
    return folder


def _environ(server: reference.ReferenceServer) -> dict[str, str]:
    """A terminal, not a CI system; the token is never on a command line."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "TERM", "LANG") if name in os.environ
    }
    return kept | {"DVC_STUDIO_URL": server.url, "DVC_STUDIO_TOKEN": server.token}


if __name__ == "__main__":
    sys.exit(demo(FOLDER))
