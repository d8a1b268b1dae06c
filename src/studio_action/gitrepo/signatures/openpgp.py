"""Signatures by keys of OpenPGP: `git verify-tag` with `gpg`.

gpg gets a home of its own for the run: the given keyring and nothing else. Every key in it counts
as trusted, because somebody put it there; there is no web of trust, no agent and no key server.
Its machine-readable lines say what it found (`doc/DETAILS` of GnuPG).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from studio_action.errors import BadInput
from studio_action.gitrepo.signatures.settings import Settings, Signer, program
from studio_action.gitrepo.signatures.tag_object import Unfit
from studio_action.text import printable

_CONFIGURATION = """\
batch
no-tty
no-autostart
disable-dirmngr
no-auto-key-retrieve
no-auto-key-locate
no-auto-check-trustdb
trust-model always
weak-digest SHA1
"""
_SECRET = re.compile(rb"-----BEGIN PGP PRIVATE KEY BLOCK-----|\A[\x94\x95\x96\x97\xc5]")
_SECONDS = 30
_UNFIT = {
    "REVKEYSIG": "is signed by key {key}, which is revoked",
    "EXPKEYSIG": "is signed by key {key}, which has expired",
    "EXPSIG": "has a signature of key {key} that has expired",
    "BADSIG": "has a signature of key {key} that does not match the tag",
    "ERRSIG": "is signed by key {key}, which allowed-signers does not have, or in a way that gpg"
    " does not accept",
}


def settings(signers: bytes, folder: Path, path: str) -> Settings:
    """Return how git is to check such signatures; `folder` is for gpg's home.

    Raises `BadInput` where `signers` is not a keyring of public keys.
    """
    if _SECRET.search(signers):
        raise BadInput(
            "allowed-signers holds a secret key",
            "Give the public keys: gpg --export --armor ADDRESS. Take the secret key back:"
            " whoever saw it can sign",
        )
    gpg = program("gpg", path, "GnuPG (the package gpg or gnupg)")
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    (home / "gpg.conf").write_text(_CONFIGURATION)
    variables = {"GNUPGHOME": str(home), "HOME": str(home)}
    _import(gpg, signers, {**variables, "PATH": path, "LC_ALL": "C"})
    configuration = {"gpg.format": "openpgp", "gpg.program": gpg, "gpg.openpgp.program": gpg}
    return Settings(configuration, read_signer, variables)


def _import(gpg: str, keys: bytes, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [gpg, "--status-fd=1", "--import"],
        input=keys,
        env=environment,
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    if not any(
        words[0] == "IMPORT_OK" for words in _statuses(done.stdout.decode("utf-8", "replace"))
    ):
        said = printable(done.stderr.decode("utf-8", "replace"), 300)
        raise BadInput(
            f"allowed-signers is not a keyring of OpenPGP's public keys: {said}",
            "Make it with gpg --export --armor ADDRESS",
        )


def read_signer(said: str, *, good: bool) -> Signer:
    """Return who signed, by gpg's lines; raise `Unfit` if it is nobody who may."""
    statuses = {}
    for words in _statuses(said):
        if words[0] in statuses and words[0] in _ONCE:
            raise Unfit("has more than one signature")
        statuses[words[0]] = words
    for word, text in _UNFIT.items():
        if word in statuses:
            raise Unfit(text.format(key=_fingerprint(statuses)))
    if not (good and {"GOODSIG", "VALIDSIG"} <= statuses.keys()):
        raise Unfit("has a signature that gpg cannot check")
    name = unquote(" ".join(statuses["GOODSIG"][2:]))
    return Signer(printable(name, 200), _fingerprint(statuses))


_ONCE = ("NEWSIG", "GOODSIG", "VALIDSIG", *_UNFIT)


def _statuses(said: str) -> Iterator[list[str]]:
    for line in said.splitlines():
        if line.startswith("[GNUPG:] ") and len(line) > 9:
            yield line[9:].split(" ")


def _fingerprint(statuses: dict[str, list[str]]) -> str:
    """Return the fingerprint of the primary key; else what gpg names the key by."""
    valid, error = statuses.get("VALIDSIG", []), statuses.get("ERRSIG", [])
    if len(valid) > 10:
        return valid[10]
    if len(error) > 7 and error[7] != "-":
        return error[7]
    named = (statuses[word][1] for word in _UNFIT if word in statuses)
    return next(named, "unknown")
