"""The main job with no account: `make demo`.

A Git server on loopback has the sample repository; a registry of one's own, the real
`studio-action serve`, answers for it. The real program creates a project there and downloads what
is in production.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import sample
from tests.servers import registry
from tests.servers.git import git_server
from tests.servers.registry import CREATE_TOKEN, PROGRAM, REPOSITORY, SERVE

FOLDER = Path(".demo")
COMMANDS = (
    ("create-project", "--project-name", "churn"),
    ("download-model", "--model", "models/churn:churn", "--stage", "prod"),
)


def demo(folder: Path) -> int:
    """Run every command in a new `folder`; the exit code of the first that fails, or 0."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "workspace").mkdir(parents=True)
    with (
        tempfile.TemporaryDirectory() as repositories,
        git_server(local_repositories(Path(repositories))) as git,
    ):
        repository = f"{git.url}/{REPOSITORY}.git"
        print(f"A Git server on loopback has the repository {repository}\n", flush=True)
        server = registry.configured((folder / "server").resolve(), repository, sample.REMOTES)
        _show(CREATE_TOKEN)
        token = server.token()
        _show((*SERVE, "&"))
        with server.serving():
            environ = _environ(server.url, token) | {"STUDIO_ACTION_REPO": repository}
            for command in COMMANDS:
                _show(command)
                code = _run(command, folder / "workspace", environ)
                if code:
                    return code
                print(flush=True)
    print("Files in", folder / "workspace")
    for path in sorted(path for path in (folder / "workspace").rglob("*") if path.is_file()):
        print(f"{path.stat().st_size:>8}  {path.relative_to(folder / 'workspace')}")
    return 0


def local_repositories(folder: Path) -> Path:
    """The sample repository, as a Git server has it."""
    place = folder / f"{REPOSITORY}.git"
    clone = ["git", "clone", "--quiet", "--bare", str(sample.BUNDLE), str(place)]
    subprocess.run(clone, check=True)
    return folder


def _show(command: tuple[str, ...]) -> None:
    words = ["&" if word == "&" else shlex.quote(word) for word in command]
    print("$ studio-action", *words, flush=True)


def _run(command: tuple[str, ...], folder: Path, environ: dict[str, str]) -> int:
    ran = subprocess.run([PROGRAM, *command], cwd=folder, env=environ, stderr=subprocess.STDOUT)
    return ran.returncode


def _environ(url: str, token: str) -> dict[str, str]:
    """A terminal, not a CI system; the token is never on a command line."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "TERM", "LANG") if name in os.environ
    }
    return kept | {"DVC_STUDIO_URL": url, "DVC_STUDIO_TOKEN": token}


if __name__ == "__main__":
    sys.exit(demo(FOLDER))
