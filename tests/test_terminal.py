"""The program at a real terminal, as a person sees it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.reference import REPOSITORY, ReferenceServer

PROGRAM = (sys.executable, "-c", "from studio_action import cli; cli.main()")
NO_TAGS = "http://127.0.0.1:1/acme/models"


def at_terminal(columns: int, *words: str, **environ: str) -> tuple[int, str]:
    """Run the program at a terminal of that width; give the exit code and what is on the screen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    with subprocess.Popen(
        [*PROGRAM, *words],
        env={**kept, "TERM": "xterm", **environ},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        close_fds=True,
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 1 << 16)
            except OSError:  # the other side has hung up
                break
            if not piece:
                break
            shown += piece
        os.close(ours)
    return process.returncode, shown.decode().replace("\r\n", "\n")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout with one model, in production the second version."""
    folder = tmp_path / "models"
    folder.mkdir()
    md5 = hashlib.md5(b"weights", usedforsecurity=False).hexdigest()
    stored = tmp_path / "storage" / "files" / "md5" / md5[:2] / md5[2:]
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"weights")
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config").write_text(
        f"[core]\nremote = here\n['remote \"here\"']\nurl = {tmp_path / 'storage'}\n"
    )
    (folder / "dvc.yaml").write_text("artifacts:\n  churn:\n    path: churn.pkl\n    type: model\n")
    (folder / "churn.pkl.dvc").write_text(
        f"outs:\n- md5: {md5}\n  size: 7\n  hash: md5\n  path: churn.pkl\n"
    )
    git(folder, "init", "--quiet")
    for number in (1, 2):
        (folder / "README.md").write_text(f"Training {number}\n")
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message=x", day=number)
        git(folder, "tag", "--annotate", "--message=x", f"churn@v{number}.0.0", day=number)
        git(folder, "tag", "--annotate", "--message=x", f"churn#prod#{number}", day=number + 1)
    return folder


def git(folder: Path, *words: str, day: int = 1) -> None:
    """Run git as Ada, on that day of March."""
    who = {"NAME": "Ada", "EMAIL": "ada@example.org", "DATE": f"2026-03-{day:02d}T12:00:00Z"}
    environ = {
        f"GIT_{role}_{name}": text for role in ("AUTHOR", "COMMITTER") for name, text in who.items()
    }
    subprocess.run(
        ["git", *words], cwd=folder, env={"PATH": os.environ["PATH"], **environ}, check=True
    )


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_help__fits(columns: int) -> None:
    code, shown = at_terminal(columns, "download-model", "--help")

    assert code == 0
    assert max(map(len, shown.splitlines())) <= columns
    assert "What:\n  --model NAME" in shown
    assert re.search(r"^More:$", shown, re.MULTILINE)


def test_resolve__a_table_below_the_log(studio: ReferenceServer, workspace: Path) -> None:
    environ = {"DVC_STUDIO_URL": studio.url, "DVC_STUDIO_TOKEN": studio.token}

    code, shown = at_terminal(
        80, "resolve-model", "--model=dir-model", f"--repo={NO_TAGS}", **environ
    )

    assert code == 0
    assert re.search(r"^source +studio$", shown, re.MULTILINE)
    assert "{" not in shown
    assert "Using Studio (token from DVC_STUDIO_TOKEN)" in shown


def test_download__the_table_says_how_old_it_is_what_was_before_and_how_fast(
    repository: Path, workspace: Path
) -> None:
    words = ("download-model", "--model=churn", "--stage=prod", f"--repo={repository}")

    code, shown = at_terminal(200, *words, HOME=str(workspace))

    rows = dict(re.findall(r"^(\w+(?: \w+)?)  +(.+)$", shown, re.MULTILINE))
    assert code == 0, shown
    assert re.fullmatch(r"Ada, 2026-03-02 12:00 UTC \(.+ ago\)", rows["registered"])
    assert re.fullmatch(r"Ada, 2026-03-03 12:00 UTC \(.+ ago\)", rows["assigned"])
    assert re.fullmatch(r"v2\.0\.0 \(.+ ago\), v1\.0\.0 \(.+ ago\)", rows["stage history"])
    assert re.fullmatch(r"7 B in .+ \(.+/s\)", rows["downloaded"])


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_error__in_colour(environ: dict[str, str], coloured: bool) -> None:
    code, shown = at_terminal(80, "download-model", f"--repo={REPOSITORY}", **environ)

    assert code == 10
    assert ("\x1b[31;1merror: input model is missing" in shown) is coloured
    assert "error: input model is missing" in shown
