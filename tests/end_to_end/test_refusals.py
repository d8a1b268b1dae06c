"""Which wrong input is reported first, and that it is before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from studio_action.inputs.table import INPUTS
from tests.end_to_end.conftest import Program, Ran
from tests.reference import REPOSITORY

DOWNLOAD, RESOLVE, CREATE = "download-model", "resolve-model", "create-project"
RIGHT = {"model": "text-classifier", "retries": "0"}


@dataclass(frozen=True, slots=True)
class Wrong:
    """A value that no command can use: what is said of it, by which exit code, and by whom."""

    text: str
    said: str
    code: int = 10
    command: str = DOWNLOAD


WRONG = {
    "timeout": Wrong("soon", "input timeout"),
    "retries": Wrong("many", "input retries"),
    "deadline": Wrong("never", "input deadline"),
    "source": Wrong("dvc", "input source"),
    "on-event": Wrong("push", "input on-event"),
    "version": Wrong("newest", "version 'newest'"),
    "stage": Wrong("prod!", "stage 'prod!'"),
    "model": Wrong("../x:churn", "model '../x:churn'"),
    "repo": Wrong("no repository", "not the address of a Git repository"),
    "if-not-found": Wrong("maybe", "input if-not-found"),
    "prerelease": Wrong("no", "input prerelease"),
    "require-ancestor-of": Wrong("a b", "input require-ancestor-of"),
    "allowed-taggers": Wrong(",", "input allowed-taggers"),
    "max-age": Wrong("a month", "input max-age"),
    "policy-file": Wrong("/none.yml", "input policy-file"),
    "require-signed-tag": Wrong("pgp", "input require-signed-tag"),
    "allowed-signers": Wrong("nobody", "input allowed-signers"),
    "minimum-version": Wrong("1.0", "input minimum-version"),
    "rollback": Wrong("forbid", "input rollback"),
    "not-older-than": Wrong("../last.json", "'../last.json' is outside the workspace", 16),
    "previous-digest": Wrong("sha1:x", "input previous-digest"),
    "previous-manifest": Wrong("../model.json", "'../model.json' is outside the workspace", 16),
    "studio-url": Wrong("ftp://studio", "input studio-url"),
    "token": Wrong("two words", "input token has a space"),
    "token-file": Wrong("/none", "input token-file"),
    "id-token": Wrong("no JWT", "does not hold an ID token"),
    "layout": Wrong("tree", "input layout"),
    "overwrite": Wrong("perhaps", "input overwrite"),
    "verify": Wrong("yes", "input verify"),
    "expected-sha256": Wrong("0a1b", "input expected-sha256"),
    "require-signature": Wrong("pgp", "input require-signature"),
    "signature": Wrong("model.sig", "input signature is given"),
    "signature-public-key": Wrong("key.pub", "input signature-public-key is given"),
    "signature-certificate-chain": Wrong("ca.pem", "input signature-certificate-chain is given"),
    "signature-identity": Wrong("ada", "input signature-identity is given"),
    "signature-identity-provider": Wrong("https://x", "input signature-identity-provider is given"),
    "signature-trust-config": Wrong("{}", "input signature-trust-config is given"),
    "connections": Wrong("0", "input connections"),
    "ml-bom": Wrong("perhaps", "input ml-bom"),
    "ca-bundle": Wrong("/none.pem", "input ca-bundle"),
    "cache-dir": Wrong("../cache", "'../cache' is outside the workspace", 16),
    "dest": Wrong("../dest", "'../dest' is outside the workspace", 16),
    "output-json": Wrong("../o.json", "'../o.json' is outside the workspace", 16),
    "output-env": Wrong("../o.env", "'../o.env' is outside the workspace", 16),
    "output-dir": Wrong("../outputs", "'../outputs' is outside the workspace", 16),
    "format": Wrong("xml", "'xml' is not one of auto, json, table, env, path"),
    "quiet": Wrong("very", "input quiet"),
    "verbose": Wrong("very", "input verbose"),
    "dry-run": Wrong("maybe", "is neither true nor false"),
    "prune": Wrong("maybe", "is neither true nor false"),
    "models": Wrong("churn@prod", "inputs model and models cannot be used together"),
    "urls-file": Wrong("../urls.json", "'../urls.json' is outside the workspace", 16, RESOLVE),
    "project-name": Wrong("a\tb", "input project-name", command=CREATE),
    "team-name": Wrong("a\tb", "input team-name", command=CREATE),
    "subdir": Wrong("../x", "input subdir", command=CREATE),
    "public": Wrong("perhaps", "input public", command=CREATE),
}
"""By input."""

ANY_TEXT = {"git-token", "on-model", "on-stage", "include", "exclude"}
"""Inputs whose every text means something: a token of somebody else's, a glob."""
GITHUB_ONLY = {"command"}
"""`test_cli.py` has it."""


def run(program: Program, command: str, inputs: Mapping[str, str], **environ: str) -> Ran:
    """One run that hears of its inputs by variables; '' is as good as unset.

    `output-json` is an option, since `Program.run` gives one as well.
    """
    variables = {
        f"STUDIO_ACTION_{name.upper().replace('-', '_')}": text for name, text in inputs.items()
    }
    options = [f"--{name}={text}" for name, text in inputs.items() if name == "output-json"]
    return program.run(command, *options, **{**variables, **environ})


def silent(program: Program) -> bool:
    """Whether nothing was sent to anybody."""
    return program.server.requests == program.server.fetches == []


def test_every_input_is_looked_at() -> None:
    assert {each.name for each in INPUTS} == {*WRONG, *ANY_TEXT, *GITHUB_ONLY}


@pytest.mark.parametrize("name", WRONG)
def test_refused_before_anything_is_sent(name: str, program: Program) -> None:
    wrong = WRONG[name]
    ran = run(program, wrong.command, {**RIGHT, name: wrong.text}, **without_token(name))

    assert ran.code == wrong.code, ran.said
    assert wrong.said in ran.said
    assert ran.said.count("error: ") == 1
    assert silent(program)


def without_token(name: str) -> dict[str, str]:
    """A file and an ID token are read where the environment has no token."""
    return {"DVC_STUDIO_TOKEN": ""} if name in ("token-file", "id-token") else {}


ORDER = {
    DOWNLOAD: (
        "timeout retries deadline source on-event version model repo if-not-found prerelease"
        " require-ancestor-of allowed-taggers max-age policy-file minimum-version rollback"
        " not-older-than require-signed-tag"
        " previous-digest previous-manifest studio-url token layout overwrite"
        " verify connections expected-sha256 require-signature signature signature-public-key"
        " signature-certificate-chain signature-identity signature-identity-provider"
        " signature-trust-config ml-bom ca-bundle output-json output-env output-dir cache-dir dest"
    ),
    RESOLVE: (
        "timeout retries deadline source on-event stage model repo if-not-found prerelease"
        " require-ancestor-of allowed-taggers max-age policy-file minimum-version rollback"
        " not-older-than require-signed-tag"
        " previous-digest previous-manifest studio-url token urls-file"
        " ca-bundle output-json output-env output-dir"
    ),
    CREATE: (
        "timeout retries deadline repo project-name team-name subdir public ca-bundle studio-url"
        " token output-json output-env output-dir"
    ),
}
"""By command, which of its inputs is reported first where several are wrong, and so on."""

MENDED = {
    "source": "studio",
    "model": "text-classifier",
    "repo": REPOSITORY,
    "studio-url": "http://127.0.0.1:1",
    "if-not-found": "error",
}


@pytest.mark.parametrize(
    ("command", "token"),
    [
        pytest.param(DOWNLOAD, "token", id=DOWNLOAD),
        pytest.param(RESOLVE, "token", id=RESOLVE),
        pytest.param(CREATE, "token", id=CREATE),
        pytest.param(DOWNLOAD, "token-file", id="a token in a file"),
    ],
)
def test_order(command: str, token: str, program: Program, tmp_path: Path) -> None:
    order = [token if name == "token" else name for name in ORDER[command].split()]
    inputs = {name: WRONG[name].text for name in order}
    environ = without_token(token)
    (tmp_path / "token").write_text(program.server.token)
    mended = {**MENDED, "token-file": str(tmp_path / "token")}

    reported = []
    for name in order:
        ran = run(program, command, inputs, **environ)
        reported.append(next((each for each in order if WRONG[each].said in ran.said), ran.said))
        inputs[name] = mended.get(name, "")

    assert reported == order
    assert silent(program)


def test_order__version_and_stage_exclude_each_other_before_either_is_read(
    program: Program,
) -> None:
    both = {**RIGHT, "version": "newest", "stage": "prod!"}
    assert "cannot be used together" in run(program, DOWNLOAD, {**both, "on-event": "push"}).said
    assert "input source" in run(program, DOWNLOAD, {**both, "source": "dvc"}).said


def test_order__a_workspace_that_is_not_there(program: Program, tmp_path: Path) -> None:
    gone = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path / "gone")}
    ran = run(program, DOWNLOAD, {**RIGHT, "source": "dvc"}, **gone)
    assert (ran.code, "the workspace cannot be used" in ran.said) == (16, True)
    assert "input timeout" in run(program, DOWNLOAD, {"timeout": "soon"}, **gone).said


SKIPPED_BY_THE_TAG = {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/tags/churn#dev#1"}
UNREAD = {
    **{name: WRONG[name].text for name in ORDER[DOWNLOAD].split()[11:] if "output-" not in name},
    "token": "",
    "token-file": "/none",
    "on-stage": "prod",
}
"""What a run that is skipped does not read: its token, and whatever follows what is asked for."""


@pytest.mark.parametrize("command", [DOWNLOAD, RESOLVE])
@pytest.mark.parametrize("source", ["auto", "studio", "git"])
def test_skipped__asks_for_no_token_and_reads_no_file(
    command: str, source: str, program: Program
) -> None:
    environ = {**SKIPPED_BY_THE_TAG, "DVC_STUDIO_TOKEN": "", "DVC_STUDIO_URL": ""}
    ran = run(program, command, {**UNREAD, "source": source}, **environ)

    assert ran.code == 0, ran.said
    assert ran.outputs["skipped"] == "true"
    assert "Skipped: tag churn#dev#1 is of stage dev, which on-stage does not list" in ran.said
    assert silent(program)
    assert [path.name for path in program.workspace.iterdir()] == []


def test_skipped__a_tag_that_takes_something_back(program: Program) -> None:
    environ = {**SKIPPED_BY_THE_TAG, "GITHUB_REF": "refs/tags/churn@v1.0.0!"}
    ran = run(program, DOWNLOAD, {"source": "studio"}, **environ, DVC_STUDIO_TOKEN="")
    assert (ran.code, ran.outputs["skipped"]) == (0, "true")


def test_skipped__but_what_is_asked_for_has_to_be_right(program: Program) -> None:
    ran = run(program, DOWNLOAD, {**UNREAD, "source": "dvc"}, **SKIPPED_BY_THE_TAG)
    assert (ran.code, "input source" in ran.said) == (10, True)


def test_source_git__asks_for_no_token(program: Program) -> None:
    environ = {"DVC_STUDIO_TOKEN": "", "DVC_STUDIO_URL": "ftp://studio"}
    inputs = {**RIGHT, "source": "git", "repo": "./none", "token-file": "/none"}
    ran = run(program, RESOLVE, inputs, **environ)
    assert ran.code != 0
    assert "token" not in ran.said
    assert "Using Git (source: git)" in ran.said


def test_doctor__reads_the_repository_and_the_network_alone(program: Program) -> None:
    """Nothing that only other commands take can stop it."""
    taken = ["timeout", "retries", "deadline", "format", "quiet", "verbose", "repo", "ca-bundle"]
    inputs = {name: wrong.text for name, wrong in WRONG.items() if name != "token"}
    options = {**inputs, "repo": "./none"}

    reported = []
    for name in taken:
        variables = {
            f"STUDIO_ACTION_{key.upper().replace('-', '_')}": text for key, text in options.items()
        }
        arguments = [inputs["repo"]] if name == "repo" else ["./none"]
        ran = doctor(program, arguments, {**variables, "DVC_STUDIO_TOKEN": ""})
        reported.append(next((each for each in taken if WRONG[each].said in ran.said), ran.said))
        if name != "repo":
            options[name] = ""

    assert reported == taken
    assert silent(program)


def doctor(program: Program, arguments: list[str], environ: Mapping[str, str]) -> Ran:
    """`doctor` writes no outputs, so it takes no option that says where to."""
    from studio_action import cli

    code = cli.run(["doctor", *arguments], environ)
    return Ran(code, {}, "".join(program.capfd.readouterr()))
