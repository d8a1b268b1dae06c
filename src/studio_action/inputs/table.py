"""The inputs this program promises. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from studio_action.inputs.outputs_table import COMMANDS, CREATE, DOWNLOAD, RESOLVE

Kind = Literal["text", "flag", "list"]

SERVICE = "https://studio.datachain.ai"
"""DVC Studio as a service, which everybody can use."""

_MODEL = (DOWNLOAD, RESOLVE)


@dataclass(frozen=True, slots=True)
class Input:
    """One input: its name, what takes it, where else it is read from, and what it means.

    `secret` inputs are no command-line options (they would show in the process list);
    `cli_only` ones are no inputs of the GitHub action.
    """

    name: str
    commands: tuple[str, ...]
    help: str
    default: str = ""
    also: tuple[str, ...] = ()
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    secret: bool = False
    cli_only: bool = False


INPUTS = (
    Input(
        "command",
        (),
        "What to do: download-model, resolve-model or create-project.",
        DOWNLOAD,
        choices=COMMANDS,
    ),
    Input(
        "studio-url",
        COMMANDS,
        "Base URL of DVC Studio, with or without a trailing /api, with or without a sub-path.",
        SERVICE,
        ("DVC_STUDIO_URL",),
    ),
    Input(
        "token",
        COMMANDS,
        "Studio client access token. Downloading needs the scope 'Model Registry operations',"
        " creating a project 'Admin operations' (earlier: PROJECT).",
        also=("DVC_STUDIO_TOKEN", "STUDIO_TOKEN"),
        secret=True,
    ),
    Input(
        "token-file",
        COMMANDS,
        "A file that holds the token.",
        also=("DVC_STUDIO_TOKEN_FILE",),
        cli_only=True,
    ),
    Input(
        "source",
        _MODEL,
        "Who is asked: studio, git (the repository's tags and its DVC remotes, with no Studio), or"
        " auto: studio, if a token or a studio-url was given, else git.",
        "auto",
        choices=("auto", "studio", "git"),
    ),
    Input(
        "repo",
        COMMANDS,
        "The Git repository: owner/name, git@host:owner/name.git, https://… or ssh://…, with"
        " source git also a folder. Default: this job's repository.",
        also=("DVC_STUDIO_REPO_URL",),
    ),
    Input(
        "git-token",
        _MODEL,
        "Reads the tags of a private repository, and with source git its files. Default: the job's"
        " own token, for the job's own server.",
        also=("GITHUB_TOKEN", "CI_JOB_TOKEN"),
        secret=True,
    ),
    Input(
        "model",
        _MODEL,
        "The model's name; in a monorepo path/to:name or path/to/dvc.yaml:name. Default: from the"
        " tag that triggered the run.",
    ),
    Input(
        "version",
        _MODEL,
        "A version, e.g. v2.0.0, or the highest in a range: ^1.2, ~1.2, 1.x or >=1,<2; excludes"
        " stage.",
    ),
    Input(
        "stage", _MODEL, "A stage, e.g. prod; excludes version. With neither: the latest version."
    ),
    Input(
        "prerelease",
        _MODEL,
        "include, exclude or only: whether pre-releases count as latest and in a range.",
        "include",
        choices=("include", "exclude", "only"),
    ),
    Input(
        "on-model",
        _MODEL,
        "Globs: a run that no tag of such a model triggered ends with skipped=true.",
        kind="list",
    ),
    Input(
        "on-event",
        _MODEL,
        "The same for what the tag does: registration, deregistration, assignment, unassignment,"
        " deprecation, creation.",
        kind="list",
    ),
    Input("on-stage", _MODEL, "The same for the stage that the tag names, as globs.", kind="list"),
    Input(
        "require-ancestor-of",
        _MODEL,
        "A branch that the version's commit must be on; any other is refused.",
    ),
    Input(
        "previous-manifest",
        _MODEL,
        "The manifest of an earlier download, with which the output changed compares; one that is"
        " not there means a first run.",
    ),
    Input("previous-digest", _MODEL, "The same by an earlier output digest."),
    Input("dest", (DOWNLOAD,), "Folder in the workspace, made if it is missing.", "."),
    Input(
        "layout",
        (DOWNLOAD,),
        "repo: files at their path in the repository; model: below the model's own path; flat:"
        " names only.",
        "repo",
        choices=("repo", "model", "flat"),
    ),
    Input(
        "include",
        _MODEL,
        "Globs on the path in the repository, one a line or separated by commas; only these files.",
        kind="list",
    ),
    Input(
        "exclude",
        _MODEL,
        "Globs on the path in the repository, one a line or separated by commas; not these files.",
        kind="list",
    ),
    Input(
        "overwrite",
        (DOWNLOAD,),
        "false: a file that is there with other content is an error before any download.",
        "true",
        kind="flag",
    ),
    Input(
        "verify",
        (DOWNLOAD,),
        "auto: check every digest that is known; require: a file without one is an error; off.",
        "auto",
        choices=("auto", "require", "off"),
    ),
    Input("connections", (DOWNLOAD,), "Connections to storage, over all files.", "16"),
    Input(
        "cache-dir",
        (DOWNLOAD,),
        "A cache by content that jobs on one runner share, laid out as DVC's own. Default: none.",
    ),
    Input(
        "if-not-found",
        _MODEL,
        "error, warn or ignore: what follows where there is no such model, version or stage.",
        "error",
        choices=("error", "warn", "ignore"),
    ),
    Input(
        "ca-bundle",
        COMMANDS,
        "A PEM file, or PEM text, of further authorities to trust, for Studio and storage alike.",
        also=("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"),
    ),
    Input(
        "timeout",
        COMMANDS,
        "Seconds without a byte before an attempt is given up.",
        "30",
    ),
    Input(
        "retries",
        COMMANDS,
        "Further attempts of one request, with exponential back-off; Retry-After is honoured.",
        "5",
    ),
    Input("deadline", COMMANDS, "Seconds for the whole command. Default: none."),
    Input("project-name", (CREATE,), "The project's name. Default: the repository's."),
    Input("team-name", (CREATE,), "The team whose project it becomes. Default: the user's own."),
    Input("subdir", (CREATE,), "The project's folder in a monorepo."),
    Input("public", (CREATE,), "true: anyone may see the project.", "false", kind="flag"),
    Input("output-json", COMMANDS, "A file for the outputs, as one JSON object."),
    Input("output-env", COMMANDS, "A file for the outputs, as NAME=value lines."),
    Input(
        "urls-file",
        (RESOLVE,),
        "A file, for the owner's eyes only, that receives the signed URLs as JSON.",
        cli_only=True,
    ),
)

BY_NAME = {each.name: each for each in INPUTS}


def inputs_of(command: str) -> tuple[Input, ...]:
    """Return the inputs that `command` takes, in order."""
    return tuple(each for each in INPUTS if command in each.commands)


def variables_of(name: str) -> tuple[str, ...]:
    """Return the environment variables that are this input's own.

    GitHub upper-cases an input's name and keeps its hyphens, which some shells then drop.
    """
    github = f"INPUT_{name.upper()}"
    plain = name.upper().replace("-", "_")
    return tuple(dict.fromkeys((github, f"INPUT_{plain}", f"STUDIO_ACTION_{plain}")))
