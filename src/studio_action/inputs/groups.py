"""How `--help` shows the inputs: in groups, with what each one takes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from studio_action.inputs.outputs_table import CREATE
from studio_action.inputs.table import Input


@dataclass(frozen=True, slots=True)
class Group:
    """Inputs that belong together; `more` are those that only `--help-all` shows."""

    title: str
    usual: tuple[str, ...]
    more: tuple[str, ...] = ()


GROUPS = (
    Group(
        "What",
        (
            "model",
            "models",
            "version",
            "stage",
            "include",
            "exclude",
            "project-name",
            "team-name",
            "subdir",
            "public",
        ),
        ("prerelease", "on-model", "on-event", "on-stage", "if-not-found"),
    ),
    Group("Where from", ("repo", "source", "studio-url", "token-file")),
    Group(
        "Where to", ("dest", "layout", "overwrite", "cache-dir"), ("prune", "dry-run", "urls-file")
    ),
    Group(
        "Checks",
        ("verify", "minimum-version", "require-signature", "require-signed-tag"),
        (
            "expected-sha256",
            "signature",
            "signature-public-key",
            "signature-certificate-chain",
            "signature-identity",
            "signature-identity-provider",
            "signature-trust-config",
            "allowed-signers",
            "allowed-taggers",
            "require-ancestor-of",
            "max-age",
            "policy-file",
            "not-older-than",
            "rollback",
            "previous-manifest",
            "previous-digest",
        ),
    ),
    Group("Network", ("deadline",), ("connections", "timeout", "retries", "ca-bundle")),
    Group(
        "Outputs",
        ("format", "quiet", "verbose", "output-json"),
        ("output-env", "output-dir", "ml-bom"),
    ),
)

SHORT = {"quiet": "-q", "verbose": "-v"}

TAKES = {
    "model": "NAME",
    "models": "LIST",
    "version": "VERSION",
    "stage": "NAME",
    "repo": "URL",
    "studio-url": "URL",
    "token-file": "FILE",
    "dest": "FOLDER",
    "cache-dir": "FOLDER",
    "output-dir": "FOLDER",
    "output-json": "FILE",
    "output-env": "FILE",
    "urls-file": "FILE",
    "policy-file": "FILE",
    "previous-manifest": "FILE",
    "not-older-than": "FILE",
    "ca-bundle": "FILE",
    "signature-public-key": "FILE",
    "signature-certificate-chain": "FILE",
    "signature-trust-config": "FILE",
    "allowed-signers": "FILE",
    "signature": "PATH",
    "subdir": "FOLDER",
    "include": "GLOB",
    "exclude": "GLOB",
    "on-model": "GLOB",
    "on-stage": "GLOB",
    "on-event": "EVENT",
    "allowed-taggers": "GLOB",
    "minimum-version": "VERSION",
    "require-ancestor-of": "BRANCH",
    "expected-sha256": "HEX",
    "previous-digest": "DIGEST",
    "signature-identity": "NAME",
    "signature-identity-provider": "URL",
    "project-name": "NAME",
    "team-name": "NAME",
    "connections": "INTEGER",
    "retries": "INTEGER",
    "timeout": "SECONDS",
    "deadline": "SECONDS",
    "max-age": "DURATION",
}
"""What the value of an input is, where it is no choice and no truth value."""


def takes(each: Input) -> str:
    """Return the word for the input's value in `--help`."""
    if each.choices:
        return f"[{'|'.join(each.choices)}]"
    if each.kind == "flag":
        return "" if each.name in SHORT else "BOOLEAN"
    return TAKES.get(each.name, "TEXT")


def help_text(each: Input, command: str) -> str:
    """Return what `--help` of `command` says, without inputs that it does not have."""
    text = each.help
    if command == CREATE:
        text = text.replace(" With source git it may also be a folder.", "")
    shown = each.default if each.default and each.name not in SHORT else ""
    return text + (f" [default: {shown}]" if shown else "")


def is_usual(name: str) -> bool:
    """Return whether `--help` shows the input, and not only `--help-all`."""
    return any(name in group.usual for group in GROUPS)


def grouped(names: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Return the titles of the groups, each with those of `names` that are in it, in its order.

    What is in no group comes last.
    """
    rest = list(names)
    found = []
    for group in GROUPS:
        members = [name for name in (*group.usual, *group.more) if name in rest]
        found.append((group.title, members))
        rest = [name for name in rest if name not in members]
    return [(title, members) for title, members in (*found, ("More", rest)) if members]
