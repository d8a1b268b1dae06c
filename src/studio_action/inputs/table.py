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
        "The base URL of DVC Studio. It may have a sub-path, and may end with /api.",
        SERVICE,
        ("DVC_STUDIO_URL",),
    ),
    Input(
        "token",
        COMMANDS,
        "A Studio client access token. Downloading needs the scope 'Model Registry"
        " operations'; creating a project needs 'Admin operations' (earlier: PROJECT).",
        also=("DVC_STUDIO_TOKEN", "STUDIO_TOKEN"),
        secret=True,
    ),
    Input(
        "token-file",
        COMMANDS,
        "A file with the token.",
        also=("DVC_STUDIO_TOKEN_FILE",),
        cli_only=True,
    ),
    Input(
        "id-token",
        COMMANDS,
        "An OIDC ID token of the job, which is exchanged for a token of a self-hosted server."
        " Default: the job's own, if no token was given.",
        also=("STUDIO_ID_TOKEN",),
        secret=True,
    ),
    Input(
        "source",
        _MODEL,
        "Where the model comes from: studio, git (the repository's tags and its DVC remotes,"
        " without Studio), or auto. auto means studio if a token or a studio-url was given,"
        " else git.",
        "auto",
        choices=("auto", "studio", "git"),
    ),
    Input(
        "repo",
        COMMANDS,
        "The Git repository: owner/name, git@host:owner/name.git, https://… or ssh://…. With"
        " source git it may also be a folder. Default: this job's repository.",
        also=("DVC_STUDIO_REPO_URL",),
    ),
    Input(
        "git-token",
        _MODEL,
        "A token that reads the tags of a private repository and, with source git, its files."
        " Default: the job's own token, which goes to the job's own server only.",
        also=("GITHUB_TOKEN", "CI_JOB_TOKEN"),
        secret=True,
    ),
    Input(
        "model",
        _MODEL,
        "The model's name. In a monorepo: path/to:name or path/to/dvc.yaml:name. Default: the"
        " model of the tag that triggered the run. resolve-model without any lists all models.",
    ),
    Input(
        "models",
        _MODEL,
        "Several models in one step: all of them are placed, or none. One per line, e.g."
        " churn@prod or bert@^1.2 -> models/bert, or a YAML list in which each may have inputs of"
        " its own. Cannot be combined with model.",
    ),
    Input(
        "version",
        _MODEL,
        "A version, e.g. v2.0.0, or a range, of which the highest version is used: ^1.2,"
        " ~1.2, 1.x or >=1,<2. Cannot be combined with stage.",
    ),
    Input(
        "stage",
        _MODEL,
        "A stage, e.g. prod. Cannot be combined with version. Without both, the latest"
        " version is used.",
    ),
    Input(
        "prerelease",
        _MODEL,
        "Whether pre-releases can be the latest version, or in a range: include, exclude or only.",
        "include",
        choices=("include", "exclude", "only"),
    ),
    Input(
        "on-model",
        _MODEL,
        "Globs of model names. A run is skipped (skipped=true) unless a tag of such a model"
        " triggered it.",
        kind="list",
    ),
    Input(
        "on-event",
        _MODEL,
        "The same for the tag's event: registration, deregistration, assignment,"
        " unassignment, deprecation, creation.",
        kind="list",
    ),
    Input("on-stage", _MODEL, "The same for the tag's stage, as globs.", kind="list"),
    Input(
        "require-ancestor-of",
        _MODEL,
        "A branch. A version whose commit is not on it is refused.",
    ),
    Input(
        "allowed-taggers",
        _MODEL,
        "E-mail addresses, as globs, of those who may make the tags that decide: the version's"
        " registration and, by stage, its assignment. The address is what the tagger wrote; nothing"
        " proves it.",
        kind="list",
    ),
    Input(
        "max-age",
        _MODEL,
        "How long ago the version may have been registered or, by stage, assigned: 12h, 30d or"
        " 8w. The date is what the tagger wrote.",
    ),
    Input(
        "policy-file",
        _MODEL,
        "A file with more rules, besides .studio-action.yml of the repository's default branch,"
        " which always counts. Whoever may change the file may loosen its rules: not one of a pull"
        " request's checkout.",
    ),
    Input(
        "require-signed-tag",
        _MODEL,
        "The kind of signature that the tags that decide must have, which are the version's"
        " registration and, by stage, its assignment: ssh, gpg or gitsign. none: they need not be"
        " signed.",
        "none",
        choices=("none", "ssh", "gpg", "gitsign"),
    ),
    Input(
        "allowed-signers",
        _MODEL,
        "Who may have signed them: a file in the workspace, or its text. For ssh it is Git's"
        " allowed signers file, for gpg a keyring of public keys, for gitsign lines of an identity"
        " and its issuer.",
    ),
    Input(
        "previous-manifest",
        _MODEL,
        "The manifest of an earlier download. The output changed says whether the content is"
        " different. A missing file means a first run.",
    ),
    Input("previous-digest", _MODEL, "The same with the output digest of an earlier run."),
    Input("minimum-version", _MODEL, "A version, e.g. v2.0.0. An older one is refused."),
    Input(
        "not-older-than",
        _MODEL,
        "The manifest of an earlier download. rollback says what happens if the version is older"
        " than the one there. The same version with another commit or other content is always"
        " refused. A missing file means a first run.",
    ),
    Input(
        "rollback",
        _MODEL,
        "What happens if the version is older than in not-older-than, or if that is not known:"
        " allow, warn or refuse.",
        "refuse",
        choices=("allow", "warn", "refuse"),
    ),
    Input(
        "dest",
        (DOWNLOAD,),
        "The folder in the workspace for the files. It is created if it is missing.",
        ".",
    ),
    Input(
        "layout",
        (DOWNLOAD,),
        "The path of a file below dest. repo: its path in the repository; model: its path"
        " below the model's own; flat: its name only.",
        "repo",
        choices=("repo", "model", "flat"),
    ),
    Input(
        "include",
        _MODEL,
        "Download only these files: globs on the path in the repository, one per line or"
        " separated by commas.",
        kind="list",
    ),
    Input(
        "exclude",
        _MODEL,
        "Do not download these files: globs on the path in the repository, one per line or"
        " separated by commas.",
        kind="list",
    ),
    Input(
        "overwrite",
        (DOWNLOAD,),
        "Whether existing files with other content are replaced. false: such a file is an"
        " error, before any download.",
        "true",
        kind="flag",
    ),
    Input(
        "prune",
        (DOWNLOAD,),
        "Whether files are removed that an earlier step placed for the model, that are unchanged"
        " since, and that the model no longer has.",
        "false",
        kind="flag",
    ),
    Input(
        "dry-run",
        (DOWNLOAD,),
        "true: say what would be fetched, kept, replaced and removed, and write nothing into the"
        " workspace.",
        "false",
        kind="flag",
    ),
    Input(
        "verify",
        (DOWNLOAD,),
        "auto: check every known digest. require: also refuse files without a digest. off:"
        " check none.",
        "auto",
        choices=("auto", "require", "off"),
    ),
    Input(
        "expected-sha256",
        (DOWNLOAD,),
        "The SHA-256 that the model's one file must have.",
    ),
    Input(
        "require-signature",
        (DOWNLOAD,),
        "Who must have signed the model with OpenSSF Model Signing: sigstore (an identity), key or"
        " certificate. none: nobody.",
        "none",
        choices=("none", "sigstore", "key", "certificate"),
    ),
    Input(
        "signature",
        (DOWNLOAD,),
        "The path of the model's signature in the repository. Default: model.sig in the model's"
        " folder, or beside the model.",
    ),
    Input(
        "signature-public-key",
        (DOWNLOAD,),
        "A PEM file, or PEM text, with the public key that require-signature: key trusts.",
    ),
    Input(
        "signature-certificate-chain",
        (DOWNLOAD,),
        "A PEM file, or PEM text, with the authorities that require-signature: certificate trusts.",
    ),
    Input(
        "signature-identity",
        (DOWNLOAD,),
        "The identity that the signer's certificate must have: an e-mail address, or a workflow's"
        " URL. Needed with sigstore.",
    ),
    Input(
        "signature-identity-provider",
        (DOWNLOAD,),
        "The OpenID Connect issuer that must have confirmed the identity. Needed with sigstore.",
    ),
    Input(
        "signature-trust-config",
        _MODEL,
        "A JSON file, or JSON text, with Sigstore's trusted root. Default: the public instance's,"
        " which is fetched.",
    ),
    Input(
        "connections",
        (DOWNLOAD,),
        "The number of connections to storage, for all files together.",
        "16",
    ),
    Input(
        "cache-dir",
        (DOWNLOAD,),
        "The folder of a cache that jobs on one runner can share. It has the layout of DVC's"
        " own cache. Default: none.",
    ),
    Input(
        "ml-bom",
        (DOWNLOAD,),
        "Whether a bill of materials of the model is written, in CycloneDX's JSON.",
        "false",
        kind="flag",
    ),
    Input(
        "if-not-found",
        _MODEL,
        "What happens if there is no such model, version or stage: error, warn or ignore.",
        "error",
        choices=("error", "warn", "ignore"),
    ),
    Input(
        "ca-bundle",
        COMMANDS,
        "A PEM file, or PEM text, with more certificate authorities to trust, for Studio and"
        " storage.",
        also=("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"),
    ),
    Input(
        "timeout",
        COMMANDS,
        "Seconds without any byte after which an attempt fails.",
        "30",
    ),
    Input(
        "retries",
        COMMANDS,
        "How often a failed request is tried again, with exponential back-off. Retry-After is"
        " honoured.",
        "5",
    ),
    Input(
        "deadline", COMMANDS, "The most seconds that the whole command may take. Default: no limit."
    ),
    Input(
        "project-name", (CREATE,), "The name of the project. Default: the name of the repository."
    ),
    Input(
        "team-name",
        (CREATE,),
        "The team that the project belongs to. Default: the user's own projects.",
    ),
    Input("subdir", (CREATE,), "The folder of the project in a monorepo."),
    Input("public", (CREATE,), "Whether anyone may see the project.", "false", kind="flag"),
    Input("output-json", COMMANDS, "A file to write the outputs to, as one JSON object."),
    Input("output-env", COMMANDS, "A file to write the outputs to, as NAME=value lines."),
    Input(
        "output-dir",
        COMMANDS,
        "A folder to write the outputs to, one file per output, as Tekton and Argo Workflows"
        " read them.",
        cli_only=True,
    ),
    Input(
        "format",
        COMMANDS,
        "How the outputs are written to standard output, without a CI system. auto: a table on a"
        " terminal, else JSON. env: NAME=value lines. path: only the path of the model.",
        "auto",
        choices=("auto", "json", "table", "env", "path"),
        cli_only=True,
    ),
    Input(
        "quiet",
        COMMANDS,
        "Write only warnings and errors to the log.",
        "false",
        kind="flag",
        cli_only=True,
    ),
    Input(
        "verbose",
        COMMANDS,
        "Also write debug lines to the log.",
        "false",
        kind="flag",
        cli_only=True,
    ),
    Input(
        "urls-file",
        (RESOLVE,),
        "A file to write the signed URLs to, as JSON. Only its owner may read it.",
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
