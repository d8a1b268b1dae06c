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
SERVER_DOCTOR = "doctor --server"
"""Commands for people: they have no outputs."""

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
    Output(
        "path", (DOWNLOAD,), "The path of the model's file or folder, relative to the workspace."
    ),
    Output(
        "files",
        _MODEL,
        f"The paths of the files as a JSON list (the first {LISTED_FILES:,}; the manifest has all):"
        " in the workspace or, if nothing is downloaded, in the repository.",
    ),
    Output("file-count", _MODEL, "The number of files."),
    Output("size", _MODEL, "The size of all files together in bytes; empty if it is not known."),
    Output("model", _MODEL, "The name of the model, as requested."),
    Output(
        "version",
        _MODEL,
        "The version, e.g. v2.0.0; empty if it is not known, or if the commit in the stage is"
        " not registered as a version. The log says why.",
    ),
    Output("stage", _MODEL, "The stage, as requested."),
    Output("revision", _MODEL, "The Git commit of the tag; empty if it is not known."),
    Output(
        "tag",
        _MODEL,
        "The Git tag that registered the version or, if the commit is not registered,"
        " assigned the stage to it; empty if it is not known.",
    ),
    Output(
        "previous-version",
        _MODEL,
        "The version that was in the stage before, for a roll-back.",
    ),
    Output("source", _MODEL, "Where the model came from: studio or git."),
    Output(
        "digest",
        _MODEL,
        "DVC's hash of the file or folder, md5:…. It identifies the content.",
    ),
    Output("cache-key", _MODEL, "A key for the CI system's cache, derived from digest."),
    Output(
        "changed",
        _MODEL,
        "Whether the content differs from previous-manifest or previous-digest: true or"
        " false; empty without these inputs.",
    ),
    Output("cached", (DOWNLOAD,), "Whether nothing had to be downloaded: true or false."),
    Output(
        "manifest",
        (DOWNLOAD,),
        "The path of model.json: every file with path, size, md5, sha256 and how it was"
        " verified; version, revision, source, times.",
    ),
    Output("checksums", (DOWNLOAD,), "The path of a file in the format of sha256sum."),
    Output(
        "attestation",
        (DOWNLOAD,),
        "The path of an in-toto statement about the download, unsigned: the files by SHA-256, and"
        " where they come from.",
    ),
    Output(
        "attestation-predicate",
        (DOWNLOAD,),
        "The path of the statement's predicate, for actions/attest and cosign attest-blob.",
    ),
    Output(
        "attestation-subjects",
        (DOWNLOAD,),
        "The path of the statement's subjects in the format of sha256sum, for actions/attest.",
    ),
    Output("ml-bom", (DOWNLOAD,), "The path of the bill of materials; empty without input ml-bom."),
    Output(
        "models",
        _MODEL,
        "With several models: a JSON object with the outputs of each, by its name. Outputs that are"
        " about one model are then empty.",
    ),
    Output(
        "matrix",
        _MODEL,
        "With several models: the same as a JSON matrix, for fromJSON in the next job's strategy.",
    ),
    Output(
        "plan",
        (DOWNLOAD,),
        "With input dry-run: what would be done, as a JSON object: each file with size and action,"
        " the sums, the measured speed, when the URLs expire, and the free disk space.",
    ),
    Output(
        "skipped", COMMANDS, "Whether a filter or if-not-found ended the step early: true or false."
    ),
    Output("project-id", (CREATE,), "The id of the project."),
    Output("project-url", (CREATE,), "The URL of the project's page."),
    Output("project-name", (CREATE,), "The project's name."),
    Output("projects", (CREATE,), "The list of projects that the API returned, as JSON."),
)


def outputs_of(command: str) -> tuple[str, ...]:
    """Return the names of the outputs that `command` writes, in order."""
    return tuple(output.name for output in OUTPUTS if command in output.commands)
