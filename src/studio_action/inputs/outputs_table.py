"""The outputs this program promises, and how they are named. Pure.

The order here is the order in which they are written, everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

DOWNLOAD = "download-model"
RESOLVE = "resolve-model"
CREATE = "create-project"
COMMANDS = (DOWNLOAD, RESOLVE, CREATE)
DOCTOR = "doctor"
"""A command for people: it has no outputs."""

MODEL_PREFIX = "MODEL_"
PROJECT_PREFIX = "PROJECT_"

LISTED_FILES = 1000
"""So many paths at most go into the output `files`; the manifest has all."""


@dataclass(frozen=True, slots=True)
class Output:
    """One output: its name, the commands that write it, and what it holds."""

    name: str
    commands: tuple[str, ...]
    help: str


_MODEL = (DOWNLOAD, RESOLVE)

OUTPUTS = (
    Output("path", (DOWNLOAD,), "The model's file, or its folder, relative to the workspace."),
    Output(
        "files",
        _MODEL,
        f"JSON list of paths (the first {LISTED_FILES:,}; the manifest has all): where the files"
        " are in the workspace, or in the repository where nothing is downloaded.",
    ),
    Output("file-count", _MODEL, "How many files."),
    Output("size", _MODEL, "Bytes, all files together; empty where the source cannot tell."),
    Output("model", _MODEL, "The model's name as it was asked for."),
    Output(
        "version",
        _MODEL,
        "The version, e.g. v2.0.0; empty where the source cannot tell, or where the commit with the"
        " stage is no version, and the log says why.",
    ),
    Output("stage", _MODEL, "The stage that was asked for."),
    Output(
        "revision", _MODEL, "The Git commit that tag leads to; empty where the source cannot tell."
    ),
    Output(
        "tag",
        _MODEL,
        "The Git tag that decided: the version's registration or, of a commit that is no version,"
        " the tag that gave it the stage; empty where the source cannot tell.",
    ),
    Output(
        "previous-version",
        _MODEL,
        "The version that held the stage before: for a roll-back.",
    ),
    Output("source", _MODEL, "Who answered: studio or git."),
    Output(
        "digest",
        _MODEL,
        "md5:…, DVC's own hash of the file or folder: what identifies the content.",
    ),
    Output("cache-key", _MODEL, "A key for the CI system's cache, made from digest."),
    Output(
        "changed",
        _MODEL,
        "true: the content is not that of previous-manifest or previous-digest; empty without"
        " these.",
    ),
    Output("cached", (DOWNLOAD,), "true: nothing had to be downloaded."),
    Output(
        "manifest",
        (DOWNLOAD,),
        "model.json: every file with path, size, md5, sha256 and how it was verified; version,"
        " revision, source, times.",
    ),
    Output("checksums", (DOWNLOAD,), "A file in the format of sha256sum."),
    Output("skipped", COMMANDS, "true: a filter or if-not-found ended the step early."),
    Output("project-id", (CREATE,), "The project's id."),
    Output("project-url", (CREATE,), "The project's page."),
    Output("project-name", (CREATE,), "The project's name."),
    Output("projects", (CREATE,), "The API's list of projects, as JSON."),
)


def outputs_of(command: str) -> tuple[str, ...]:
    """Return the names of the outputs that `command` writes, in order."""
    return tuple(output.name for output in OUTPUTS if command in output.commands)
