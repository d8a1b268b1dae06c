"""Every parser of text that others write, and examples that it reads, to start from.

A parser may refuse anything with the errors that its docstring names. Any other exception is a
fault, and so is what takes long or much memory.
"""

# ruff: noqa: E501 - examples are as they are

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from studio_action.ci import dotenv
from studio_action.download import answers
from studio_action.errors import StudioActionError
from studio_action.gitrepo.dvc import dvcignore, external, imports
from studio_action.gitrepo.dvc.config import Config, ConfigFile
from studio_action.gitrepo.dvc.documents import read_json
from studio_action.gitrepo.dvc.outputs import read_file, read_outputs, read_pipeline
from studio_action.gitrepo.git import trees
from studio_action.gitrepo.gto import tags
from studio_action.gitrepo.signatures import openpgp, ssh, tag_object
from studio_action.gitrepo.signatures.tag_object import Unfit
from studio_action.inputs.storage_uri import read_storage_uri
from studio_action.model.artifact import AtStage, AtVersion, ModelName
from studio_action.model.digest import Digest, digest_in_url
from studio_action.model.paths import check_path
from studio_action.model.repository_url import RepositoryUrl
from studio_action.model.versions import InRange
from studio_action.net import bounded_json, signed_url
from studio_action.policy import document as policy
from studio_action.signature.statement import Bundle
from studio_action.studio.api import Answer, read_model_names, read_projects
from tests.signature.statements import content, of_files, signed_by_key

REFUSALS: tuple[type[Exception], ...] = (StudioActionError, Unfit)


@dataclass(frozen=True)
class Target:
    """A parser, what it reads, and the errors with which it may refuse other text."""

    parse: Callable[[bytes], object]
    examples: tuple[bytes, ...]
    refusals: tuple[type[Exception], ...] = REFUSALS

    def run(self, content: bytes) -> None:
        try:
            self.parse(content)
        except self.refusals:
            return


def text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    """A parser of text that is text already when it comes."""
    return lambda content: parse(content.decode("utf-8", "replace"))


def headers(content: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in content.decode("latin-1").splitlines())
    return {name.strip().lower(): value.strip() for name, colon, value in lines if colon}


def answer_to_a_range(content: bytes) -> None:
    for request in (answers.RangeRequest(), answers.RangeRequest(5, 10, 100, '"a"')):
        answers.read_success(request, 206, headers(content))
        answers.read_success(request, 200, headers(content))


def outputs(content: bytes) -> None:
    list(read_outputs({"models/x.dvc": content}, "0" * 40, lambda paths: {}))


def lock(content: bytes) -> None:
    pipeline, _, locked = content.partition(b"\n---\n")
    list(read_outputs({"dvc.yaml": pipeline, "dvc.lock": locked}, "0" * 40, lambda paths: {}))


def templates(content: bytes) -> None:
    parameters, _, pipeline = content.partition(b"\n---\n")
    files = {"params.yaml": parameters}
    found = read_pipeline(
        "dvc.yaml", pipeline, "0" * 40, lambda paths: {p: files[p] for p in paths if p in files}
    )
    for name in ("train", "train@a", "train@0"):
        found.stage(name)
    dict(found.artifacts())


def imported(content: bytes) -> None:
    node = read_file("x.dvc", content, "0" * 40)
    imports.read(node)
    external.dependency(node)


def config(content: bytes) -> None:
    said = content.decode("utf-8", "replace")
    found = Config.read([ConfigFile(".dvc/config", said, None)])
    for name in (found.default, *found.remotes):
        found.remote(name)


def ignore(content: bytes) -> None:
    rules = dvcignore.Rules.always().with_file("models", content, ".dvcignore")
    for path in ("models/a.bin", "models/x/y", "models/.git", "other"):
        rules.ignores(path, folder=False)
        rules.ignores(path, folder=True)


def answer_of_studio(content: bytes) -> None:
    answer = Answer("endpoint", "https://studio.example.com/api", 200, content)
    for read in (read_model_names, read_projects):
        try:
            read(answer, "acme/models")
        except REFUSALS:
            continue


def urls(content: bytes) -> None:
    url = content.decode("utf-8", "replace")
    signed_url.expiry(url)
    signed_url.secrets_of(url)
    digest_in_url(url)


def path(given: str) -> None:
    check_path(given)
    assert not given.startswith("/")
    assert ".." not in given.split("/")


def address(given: str) -> None:
    found = RepositoryUrl.parse(given)
    assert RepositoryUrl.parse(str(found)) == found


def said_by(read: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda content: read(content.decode("utf-8", "replace"))


TARGETS: Mapping[str, Target] = {
    "address": Target(
        text(address),
        (b"acme/models", b"git@host.example:a/b.git", b"https://u:p@h.example:8/a/b.git?x#y"),
    ),
    "config": Target(
        config,
        (
            b"[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://bucket/path\n"
            b"    endpointurl = https://s3.example.com\n['remote \"b\"']\nurl = remote://storage/x\n",
        ),
    ),
    "digest": Target(
        text(Digest.parse), (b"md5:" + b"0a" * 16, b"md5:" + b"0a" * 16 + b".dir"), (ValueError,)
    ),
    "dotenv": Target(text(dotenv.parse), (b"MODEL_PATH=a b\nMODEL_VERSION=v1\n",)),
    "dvc-file": Target(
        outputs,
        (
            b"outs:\n- md5: " + b"0a" * 16 + b"\n  size: 5\n  path: x\n  hash: md5\n",
            b"wdir: ..\nouts:\n- md5: " + b"0a" * 16 + b".dir\n  nfiles: 2\n  path: y\n  files:\n"
            b"  - {relpath: a, md5: " + b"0b" * 16 + b", version_id: z}\n",
        ),
    ),
    "dvc-ignore": Target(ignore, (b"*.tmp\n!keep.tmp\n/models/**/x\n[a-z]?\\\\ \n# no\n",)),
    "dvc-import": Target(
        imported,
        (
            b"deps:\n- path: m\n  repo:\n    url: https://h.example/a/b\n    rev_lock: "
            + b"0a" * 20
            + b"\nouts:\n- md5: "
            + b"0a" * 16
            + b"\n  path: x\n",
            b"deps:\n- path: s3://b/x\n  etag: '1'\n  size: 3\nouts:\n- path: x\n  md5: "
            + b"0a" * 16,
        ),
    ),
    "dvc-lock": Target(
        lock,
        (
            b"stages:\n  train:\n    cmd: x\n    outs: [model]\n---\nschema: '2.0'\nstages:\n  train:\n"
            b"    outs:\n    - {path: model, hash: md5, md5: " + b"0a" * 16 + b", size: 3}\n",
        ),
    ),
    "dvc-templates": Target(
        templates,
        (
            b"a: {b: [1, x]}\n---\nvars: [{c: 2}]\nstages:\n  train:\n    foreach: ${a.b}\n    do:\n"
            b"      outs: ['m-${item}']\nartifacts:\n  m: {path: '${c}', labels: [x]}\n",
            b"n: 3\n---\nstages:\n  train:\n    matrix: {i: [a, b]}\n    outs: ['${item.i}/${n}']\n",
        ),
    ),
    "folder-manifest": Target(
        lambda content: read_json("a manifest", content),
        (b'[{"md5": "' + b"0a" * 16 + b'", "relpath": "a/b"}]',),
    ),
    "git-tree": Target(
        lambda content: trees.read(content, 20),
        (b"100644 a\0" + b"1" * 20 + b"40000 b\0" + b"2" * 20,),
    ),
    "gpg-status": Target(
        said_by(lambda said: openpgp.read_signer(said, good=True)),
        (b"[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 0A Ada\n[GNUPG:] VALIDSIG " + b"A " * 10 + b"B\n",),
    ),
    "gto-tag": Target(
        text(tags.parse), (b"churn@v1.2.3", b"models=churn#prod#3", b"a@v1.0.0-rc.1!2")
    ),
    "json": Target(
        bounded_json.read, (b'{"a": [1, "\\u00e9", null, {}], "b": 1e3}',), (ValueError,)
    ),
    "model-name": Target(text(ModelName.parse), (b"churn", b"path/to:churn", b"a/dvc.yaml:b")),
    "model-signature": Target(
        lambda content: Bundle.read("model.sig", content),
        (content(signed_by_key(of_files({"x": b"1"}), ec.generate_private_key(ec.SECP256R1()))),),
    ),
    "path": Target(text(path), (b"models/churn/model.bin", b"a b/\xc3\xa9")),
    "policy": Target(
        lambda content: policy.parse(content, ".studio-action.yml"),
        (
            b"rules:\n- stages: [prod]\n  branch: main\n  max-age: 30d\n  allowed-taggers: '*@example.com'\n",
        ),
    ),
    "ranges": Target(
        answer_to_a_range,
        (b'content-range: bytes 5-9/100\netag: "a"\ncontent-length: 5\ncontent-md5: AAAA\n',),
    ),
    "ssh-signers": Target(ssh.check_signers, (b'a@b namespaces="git" ssh-ed25519 AAAAC3Nza\n',)),
    "ssh-said": Target(
        said_by(lambda said: ssh.read_signer(said, good=True)),
        (b'Good "git" signature for a@b with ED25519 key SHA256:abc\n',),
    ),
    "storage-uri": Target(
        text(read_storage_uri), (b"studio://host.example/acme/models?model=churn&stage=prod",)
    ),
    "studio-answer": Target(
        answer_of_studio,
        (b'{"models": ["a"], "projects": [{"id": "1", "name": "x", "url": "y"}]}',),
    ),
    "tag-object": Target(
        tag_object.parse,
        (
            b"object "
            + b"0a" * 20
            + b"\ntype commit\ntag a@v1\ntagger A <a@b> 1700000000 +0000\n\n"
            b"m\n-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n",
        ),
    ),
    "url": Target(
        urls,
        (
            b"https://b.s3.amazonaws.com/files/md5/0a/"
            + b"0a" * 15
            + b"?X-Amz-Date=20260301T000000Z&X-Amz-Expires=3600&X-Amz-Signature=00",
            b"https://a.blob.core.windows.net/c/x?se=2026-03-01T00%3A00%3A00Z&sig=a%2Bb",
        ),
    ),
    "stage": Target(text(AtStage.parse), (b"prod",)),
    "version": Target(text(AtVersion.parse), (b"v1.2.3", b"v1.2.3-rc.1+build")),
    "version-range": Target(text(InRange.parse), (b">=1.2,<2", b"^1.2", b"1.x", b"~1.2.3")),
}
