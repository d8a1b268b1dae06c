"""Real Git repositories to read, and the git program as the tests run it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from studio_action.gitrepo.git.credential import Credential
from studio_action.gitrepo.git.program import Git
from studio_action.net.clock import Clock, Deadline, Limits
from studio_action.net.network import Network
from tests import sample

_WHO = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in {"NAME": "Ada Example", "EMAIL": "ada@example.com"}.items()
}


def git(folder: Path, *words: str, date: str = "2026-03-01T12:00:00+00:00", stdin: str = "") -> str:
    """Run git in `folder` and give what it prints."""
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    done = subprocess.run(
        ["git", "-C", str(folder), *words],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **_WHO, **dates},
        input=stdin,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


def sample_at(folder: Path) -> Path:
    """The sample repository, bare, as a server has it."""
    git(Path.cwd(), "clone", "--quiet", "--bare", str(sample.BUNDLE), str(folder))
    git(folder, "config", "uploadpack.allowFilter", "true")
    return folder


def made_at(folder: Path, files: dict[str, bytes], *tags: str) -> Path:
    """A checkout with one commit of `files`, and annotated tags."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    committed(folder, files, *tags)
    return folder


def committed(
    folder: Path, files: dict[str, bytes], *tags: str, message: str = "One more commit"
) -> str:
    """One more commit in the checkout at `folder`, with annotated tags; gives its name."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    for tag in tags:
        git(folder, "tag", "-a", tag, "-m", tag)
    return git(folder, "rev-parse", "HEAD")


def make_git(
    *,
    credential: Credential | None = None,
    network: Network | None = None,
    retries: int = 2,
    deadline: float | None = None,
    log: Callable[[str], None] = print,
    **environ: str,
) -> Git:
    """git with time that does not pass and waits that take none."""
    clock = Clock(now=lambda: 0.0, sleep=lambda seconds: None)
    limits = Limits(10, retries, Deadline(deadline, clock), lambda: 0.5)
    path = {"PATH": os.environ["PATH"], **environ}
    return Git(network or Network(), limits, path, log, credential)


def tagged_at_once(folder: Path, *tags: str, date: str) -> None:
    """Annotated tags of the last commit that whoever lists the tags sees all of, or none.

    Git lists loose references one after the other, so that it may see a later one and miss an
    earlier one. `packed-refs` is replaced as a whole.
    """
    head = git(folder, "rev-parse", "HEAD")
    seconds = int(datetime.fromisoformat(date).timestamp())
    made = [
        f"{git(folder, 'mktag', stdin=_tag_object(head, tag, seconds))} refs/tags/{tag}"
        for tag in tags
    ]
    packed = folder / ".git/packed-refs"
    before = packed.read_text().splitlines() if packed.exists() else []
    new = packed.with_name("packed-refs.new")
    new.write_text("\n".join([*before, *made]) + "\n")
    new.replace(packed)


def _tag_object(commit: str, tag: str, seconds: int) -> str:
    tagger = f"Ada Example <ada@example.com> {seconds} +0000"
    return f"object {commit}\ntype commit\ntag {tag}\ntagger {tagger}\n\n{tag}\n"
