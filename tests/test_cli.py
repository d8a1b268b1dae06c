from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from studio_action import __version__, cli
from studio_action.inputs.outputs_table import COMMANDS
from studio_action.inputs.table import inputs_of
from tests.reference import REPOSITORY, Answer, ReferenceServer

COMPLETIONS = Path(__file__).parents[1] / "src/completions"

NO_GIT = {"STUDIO_ACTION_REPO": "http://127.0.0.1:1/acme/models.git"}
"""A repository whose tags nobody serves."""


def environ_for(studio: ReferenceServer, **more: str) -> dict[str, str]:
    return {
        "STUDIO_ACTION_REPO": REPOSITORY,
        "DVC_STUDIO_URL": studio.url,
        "DVC_STUDIO_TOKEN": studio.token,
        **more,
    }


def test_help__is_what_nothing_gives(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([], {}) == 0
    assert "download-model" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"], {}) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == f"studio-action {__version__}"
    assert [line.split("/")[0].split()[0] for line in shown[1:]] == ["Python", "pycurl", "git"]
    assert "libcurl/" in shown[2]


def test_help__names_the_servers_commands_without_reading_any_of_the_server() -> None:
    program = (
        "import sys; from studio_action import cli; cli.run(['--help'], {});"
        " sys.exit(any(name.startswith('studio_action.server') for name in sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0
    assert {"serve", "token"} <= {line.split()[0] for line in ran.stdout.splitlines() if line}


@pytest.mark.parametrize("command", ["serve", "token"])
def test_server__its_packages_are_not_installed(command: str) -> None:
    program = (
        "import sys; sys.modules['sqlalchemy'] = None; from studio_action import cli;"
        f" sys.exit(cli.run([{command!r}, '--help'], {{}}))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 10
    assert f"{command} needs packages that are not installed: sqlalchemy is missing" in ran.stderr
    assert "pip install 'studio-action[server]'" in ran.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_help__has_every_input_but_the_token(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([command, "--help-all"], {}) == 0
    shown = capsys.readouterr().out
    for each in inputs_of(command):
        assert (f"--{each.name} " in shown or f"--{each.name}\n" in shown) is not each.secret


def test_help__the_usual_options_in_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["download-model", "--help"], {}) == 0
    shown = capsys.readouterr().out
    titles = [line for line in shown.splitlines() if line.endswith(":") and line[0] != " "]
    names = ["What", "Where from", "Where to", "Checks", "Network", "Outputs", "More"]
    assert titles == [f"{name}:" for name in names]
    assert "--model NAME" in shown
    assert "--signature-identity" not in shown
    assert cli.run(["download-model", "--help-all"], {}) == 0
    every = capsys.readouterr().out
    assert "--connections INTEGER" in every
    assert "--max-age DURATION" in every
    assert " TEXT" not in every


def test_help__of_create_project_has_no_word_about_what_it_does_not_take(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["create-project", "--help-all"], {}) == 0
    assert "source git" not in capsys.readouterr().out


FORMATS = {
    "json": '"file-count": 2,',
    "env": "MODEL_FILE_COUNT=2\n",
    "path": "encoder\n",
    "table": "files       2 (encoder/config.json, encoder/empty)\n",
}


@pytest.mark.parametrize("style", FORMATS)
def test_format(
    style: str, studio: ReferenceServer, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = ["--include", "*.json", "--include", "empty", "--format", style, "-q"]
    code = cli.run(["download-model", "--model=dir-model", *lists], environ_for(studio, **NO_GIT))
    written = capsys.readouterr()
    assert code == 0
    assert FORMATS[style] in written.out
    assert "Downloading" not in written.err


def test_format__wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["resolve-model", "--format=xml"], {}) == 10
    assert "'xml' is not one of auto, json, table, env, path" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("shell", "file"),
    [("bash", "studio-action"), ("zsh", "_studio-action"), ("fish", "studio-action.fish")],
)
def test_completion__is_what_click_makes(shell: str, file: str) -> None:
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None
    text = made(click.Command(""), {}, "studio-action", "_STUDIO_ACTION_COMPLETE")
    source = text.source_template % text.source_vars()
    assert COMPLETIONS.joinpath(file).read_text().rstrip() == source.rstrip()


def test_completion__options_and_choices() -> None:
    def offered(words: str, number: int) -> list[str]:
        environ = {
            **os.environ,
            "_STUDIO_ACTION_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(number),
        }
        program = [sys.executable, "-c", "from studio_action import cli; cli.main()"]
        done = subprocess.run(program, env=environ, capture_output=True, text=True, check=False)
        return done.stdout.split()

    assert "plain,--expected-sha256" in offered("studio-action download-model --exp", 2)
    assert offered("studio-action download-model --source g", 3) == ["plain,git"]


def test_github__an_input_names_the_command(
    studio: ReferenceServer, workspace: Path, tmp_path: Path
) -> None:
    outputs = tmp_path / "output"
    github = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(outputs)}
    assert cli.run([], environ_for(studio, INPUT_COMMAND="create-project", **github)) == 0
    assert "project-id<<" in outputs.read_text()


def test_github__download_is_what_no_command_means(
    studio: ReferenceServer, workspace: Path, tmp_path: Path
) -> None:
    outputs = tmp_path / "output"
    github = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(outputs), "INPUT_MODEL": "dir-model"}
    assert cli.run([], environ_for(studio, **github)) == 0
    assert (workspace / "encoder/config.json").exists()


def test_github__no_such_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([], {"GITHUB_ACTIONS": "true", "INPUT_COMMAND": "deploy"}) == 10
    assert "::error" in capsys.readouterr().out


def test_github__a_mistyped_input_is_a_warning_that_names_the_right_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    mistyped = {"GITHUB_ACTIONS": "true", "INPUT_MODLE": "dir-model"}

    assert cli.run([], {**mistyped, **NO_GIT}) == 10

    said = capsys.readouterr().out
    assert "::warning title=studio-action::There is no input 'modle' (INPUT_MODLE)" in said
    assert "Use 'model'" in said


def test_a_mistyped_option_gets_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["download-model", "--modle", "churn"], {}) == 10
    assert "no option --modle. Did you mean '--model'?" in capsys.readouterr().err


def test_a_flag_may_stand_alone_and_a_list_may_be_repeated(
    studio: ReferenceServer, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = ["--include", "*.json", "--include", "empty"]
    code = cli.run(["download-model", "--model=dir-model", *lists], environ_for(studio))
    files = json.loads(capsys.readouterr().out)["files"]
    assert (code, files) == (0, ["encoder/config.json", "encoder/empty"])
    assert cli.run(["create-project", "--public"], environ_for(studio)) == 0
    assert json.loads(studio.requests[-1].body)["public"] is True


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopped__at_once_with_nothing_at_a_final_path(
    studio: ReferenceServer, workspace: Path, signum: signal.Signals, code: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/model.bin"
        studio.api_script.append(Answer(200, {"model.bin": url}))
        program = subprocess.Popen(
            [sys.executable, "-c", "from studio_action import cli; cli.main()", "download-model"],
            env={**os.environ, **environ_for(studio, STUDIO_ACTION_MODEL="churn"), **NO_GIT},
            stderr=subprocess.PIPE,
            text=True,
        )
        with silent.accept()[0]:
            program.send_signal(signum)
            began = time.monotonic()
            said = program.communicate(timeout=30)[1]
            assert time.monotonic() - began < 2
    assert (program.returncode, signum.name in said) == (code, True)
    assert [path.name for path in workspace.iterdir()] == [".studio-action"]
