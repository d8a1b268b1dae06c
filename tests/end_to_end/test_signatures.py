"""Models that `model_signing sign` signed, and what a step makes of them: the real thing signs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tests.end_to_end.conftest import Program, Ran
from tests.end_to_end.test_git import run
from tests.gitrepo.dvc_files import dvc_file, dvc_yaml, kept
from tests.gitrepo.repositories import committed, git
from tests.signature.sigstore_instance import IDENTITY, ISSUER, Sigstore, new_key
from tests.signature.statements import content, of_files, public_pem, sha256, signed_by_key

FILES = {"weights.bin": b"weights", "vocab/words.txt": b"a\nb\n"}


def model_signing(*words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "model_signing", *words], check=True, capture_output=True, text=True
    )


@dataclass(frozen=True, slots=True)
class Signer:
    """A key, in files."""

    private: Path
    public: Path

    @classmethod
    def at(cls, folder: Path) -> Signer:
        folder.mkdir()
        key = new_key()
        signer = cls(folder / "key.pem", folder / "key.pub")
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        signer.private.write_bytes(pem)
        signer.public.write_text(public_pem(key))
        return signer

    def sign(self, model: Path, bundle: Path) -> bytes:
        model_signing(
            "sign", "key", str(model), f"--private_key={self.private}", f"--signature={bundle}"
        )
        return bundle.read_bytes()


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer.at(tmp_path_factory.mktemp("signer") / "keys")


@pytest.fixture(scope="module")
def signed_folder(signer: Signer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A folder with its signature in it, by path."""
    model = tmp_path_factory.mktemp("model") / "m"
    for path, written in FILES.items():
        (model / path).parent.mkdir(parents=True, exist_ok=True)
        (model / path).write_bytes(written)
    return {**FILES, "model.sig": signer.sign(model, model / "model.sig")}


@pytest.fixture(scope="module")
def signed_file(signer: Signer, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The signature of a model that is one file, `weights`."""
    model = tmp_path_factory.mktemp("file") / "m.pkl"
    model.write_bytes(b"weights")
    return signer.sign(model, model.with_name("model.sig"))


def repository(program: Program, files: Mapping[str, bytes], model: str = "m") -> None:
    """The workspace is a checkout whose model `m`, at a path, is at version v1.0.0."""
    git(program.workspace, "init", "--quiet", "--initial-branch=main")
    committed(program.workspace, {"dvc.yaml": dvc_yaml(model), **files}, "m@v1.0.0")


def in_folder(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"m/{path}": content for path, content in files.items()}


def by_key(signer: Signer) -> tuple[str, ...]:
    return "--require-signature=key", f"--signature-public-key={signer.public}"


def download(program: Program, *options: str) -> Ran:
    return run(program, "download-model", "--model=m", "--dest=out", *options)


def delivered(program: Program) -> dict[str, bytes]:
    return {path[4:]: it for path, it in program.files().items() if path.startswith("out/")}


def records(ran: Ran) -> Any:
    return json.loads(Path(ran.outputs["manifest"]).read_text())["signatures"]


def record(ran: Ran) -> Any:
    (only,) = records(ran)
    return only


def test_signature_in_the_models_folder(
    program: Program, signer: Signer, signed_folder: dict[str, bytes]
) -> None:
    repository(program, in_folder(signed_folder))

    ran = download(program, *by_key(signer))

    assert (ran.code, delivered(program)) == (0, in_folder(signed_folder)), ran.said
    assert "Signed by the key sha256:" in ran.said
    assert (record(ran)["method"], record(ran)["path"]) == ("key", "m/model.sig")
    assert record(ran)["sha256"] == sha256(signed_folder["model.sig"])


@pytest.mark.parametrize("trusted", [True, False], ids=["the signer's key", "another key"])
def test_a_policy_requires_it(
    program: Program, signer: Signer, signed_file: bytes, trusted: bool
) -> None:
    pem = signer.public.read_text() if trusted else public_pem(new_key())
    rule = {"signature": {"method": "key", "public-key": pem}}
    policy = json.dumps({"rules": [rule]}).encode()
    files = {"m.pkl": b"weights", "model.sig": signed_file, ".studio-action.yml": policy}
    repository(program, files, "m.pkl")

    ran = download(program)

    assert ran.code == (0 if trusted else 17), ran.said
    assert list(delivered(program)) == (["m.pkl"] if trusted else [])
    assert not trusted or record(ran)["path"] == "model.sig"


def test_a_policy_and_a_job_require_one_each(
    program: Program, signer: Signer, signed_file: bytes
) -> None:
    release = new_key()
    theirs = content(signed_by_key(of_files({".": b"weights"}), release))
    rule = {"method": "key", "public-key": public_pem(release), "path": "release.sig"}
    policy = json.dumps({"rules": [{"signature": rule}]}).encode()
    files = {"m.pkl": b"weights", "model.sig": signed_file, ".studio-action.yml": policy}
    repository(program, {**files, "release.sig": theirs}, "m.pkl")

    ran = download(program, *by_key(signer))

    assert ran.code == 0, ran.said
    assert [each["path"] for each in records(ran)] == ["model.sig", "release.sig"]


def test_nothing_required__nothing_recorded(program: Program, signed_file: bytes) -> None:
    repository(program, {"m.pkl": b"weights", "model.sig": b"no bundle"}, "m.pkl")

    ran = download(program)

    assert (ran.code, records(ran), list(delivered(program))) == (0, [], ["m.pkl"]), ran.said


def test_signature_in_git_beside_a_file_that_dvc_has(
    program: Program, signer: Signer, signed_file: bytes, tmp_path: Path
) -> None:
    kept(tmp_path / "remote", b"weights")
    files = {"m.pkl.dvc": dvc_file(b"weights", "m.pkl"), "model.sig": signed_file}
    repository(program, {**files, ".dvc/config": remote_at(tmp_path / "remote")}, "m.pkl")

    ran = download(program, *by_key(signer))

    assert (ran.code, delivered(program)) == (0, {"m.pkl": b"weights"}), ran.said
    assert record(ran)["path"] == "model.sig"


def test_signature_that_dvc_has_too__at_a_path(
    program: Program, signer: Signer, signed_file: bytes, tmp_path: Path
) -> None:
    kept(tmp_path / "remote", signed_file)
    sig = dvc_file(signed_file, "m.json")
    files = {"m.pkl": b"weights", "signatures/m.json.dvc": sig}
    repository(program, {**files, ".dvc/config": remote_at(tmp_path / "remote")}, "m.pkl")

    ran = download(program, *by_key(signer), "--signature=signatures/m.json")

    assert (ran.code, delivered(program)) == (0, {"m.pkl": b"weights"}), ran.said


def remote_at(folder: Path) -> bytes:
    return f"[core]\nremote = r\n['remote \"r\"']\nurl = {folder}\n".encode()


def certificate_options(folder: Path, signer: Signer) -> tuple[Path, Path]:
    """The authority, and a certificate of it for the key that may sign code."""
    key = load_pem_private_key(signer.private.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    authority = Sigstore()
    pem = authority.certificate(key, "https://acme.test/release", "acme").public_bytes(Encoding.PEM)
    folder.mkdir()
    (folder / "root.pem").write_bytes(authority.root.public_bytes(Encoding.PEM))
    (folder / "signer.pem").write_bytes(pem)
    return folder / "root.pem", folder / "signer.pem"


def test_certificate(program: Program, signer: Signer, tmp_path: Path) -> None:
    root, certificate = certificate_options(tmp_path / "pki", signer)
    (tmp_path / "m.pkl").write_bytes(b"weights")
    bundle = tmp_path / "model.sig"
    words = ("sign", "certificate", str(tmp_path / "m.pkl"), f"--signature={bundle}")
    model_signing(
        *words,
        f"--private_key={signer.private}",
        f"--signing_certificate={certificate}",
        f"--certificate_chain={root}",
    )
    repository(program, {"m.pkl": b"weights", "model.sig": bundle.read_bytes()}, "m.pkl")
    trusted = ("--require-signature=certificate", f"--signature-certificate-chain={root}")

    ran = download(program, *trusted, "--signature-identity=https://acme.test/release")
    other = download(program, *trusted, "--signature-identity=https://acme.test/other")

    assert ran.code == 0, ran.said
    assert record(ran)["issuer"] == "CN=fulcio.test"
    assert other.code == 17
    assert "not of 'https://acme.test/other'" in other.said


def test_sigstore_without_the_network(
    program: Program, signed_folder: dict[str, bytes], tmp_path: Path
) -> None:
    sigstore = Sigstore()
    bundle = content(sigstore.bundle(of_files(FILES)))
    repository(program, in_folder({**FILES, "model.sig": bundle}))
    (tmp_path / "root.json").write_text(sigstore.trusted_root())
    trusted = (
        "--require-signature=sigstore",
        f"--signature-identity={IDENTITY}",
        f"--signature-identity-provider={ISSUER}",
        f"--signature-trust-config={tmp_path / 'root.json'}",
    )

    ran = download(program, *trusted)

    assert ran.code == 0, ran.said
    assert (record(ran)["signer"], record(ran)["issuer"]) == (IDENTITY, ISSUER)


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        pytest.param({"model.sig": None}, (), "there is no signature", id="no signature"),
        pytest.param({"model.sig": b"{}"}, (), "is not a signature of a model", id="no bundle"),
        pytest.param({"weights.bin": b"other"}, (), "not what was signed", id="other bytes"),
        pytest.param({"extra.py": b"import os"}, (), "does not cover 'extra.py'", id="extra file"),
        pytest.param({".gitignore": b"x"}, (), "The signer left that out", id="ignored path"),
        pytest.param(
            {"vocab/words.txt": None}, (), "which the model does not have", id="a file less"
        ),
        pytest.param(
            {"vocab/words.txt": None, "Vocab/words.txt": b"a\nb\n"},
            (),
            "which the model does not have",
            id="other case",
        ),
        pytest.param({}, ("--signature=other.sig",), "no 'other.sig'", id="not at that path"),
    ],
)
def test_refused__and_nothing_is_placed(
    program: Program,
    signer: Signer,
    signed_folder: dict[str, bytes],
    change: dict[str, bytes | None],
    options: tuple[str, ...],
    said: str,
) -> None:
    files = {path: it for path, it in {**signed_folder, **change}.items() if it is not None}
    repository(program, in_folder(files))

    ran = download(program, *by_key(signer), *options)

    assert (ran.code, delivered(program)) == (17, {}), ran.said
    assert said in ran.said


def test_refused__the_signature_of_another_model(
    program: Program, signer: Signer, signed_folder: dict[str, bytes], signed_file: bytes
) -> None:
    repository(program, in_folder({**signed_folder, "model.sig": signed_file}))

    ran = download(program, *by_key(signer))

    assert (ran.code, delivered(program)) == (17, {}), ran.said
    assert "covers the one file" in ran.said


def test_refused__another_key(
    program: Program, signed_folder: dict[str, bytes], tmp_path: Path
) -> None:
    repository(program, in_folder(signed_folder))

    ran = download(program, *by_key(Signer.at(tmp_path / "other")))

    assert (ran.code, delivered(program)) == (17, {}), ran.said
    assert "is not good" in ran.said


def test_refused__bytes_that_were_there_before(
    program: Program, signer: Signer, signed_folder: dict[str, bytes]
) -> None:
    repository(program, in_folder({**signed_folder, "weights.bin": b"other"}))
    assert download(program).code == 0

    ran = download(program, *by_key(signer))

    assert ran.code == 17, ran.said


@pytest.mark.parametrize("name", ["weights.bin", "model.sig"])
def test_refused__a_symbolic_link_in_git(
    program: Program, signer: Signer, signed_folder: dict[str, bytes], name: str
) -> None:
    model = program.workspace / "m"
    model.mkdir()
    (program.workspace / "elsewhere").write_bytes(signed_folder[name])
    (model / name).symlink_to("../elsewhere")
    others = {path: it for path, it in signed_folder.items() if path != name}
    repository(program, in_folder(others))

    ran = download(program, *by_key(signer))

    assert (ran.code, delivered(program)) == (14, {}), ran.said
    assert "is a symbolic link in Git, and that is not followed" in ran.said


def test_filters__what_is_left_out_need_not_come(
    program: Program, signer: Signer, signed_folder: dict[str, bytes]
) -> None:
    repository(program, in_folder({**signed_folder, "extra.py": b"import os"}))

    ran = download(program, *by_key(signer), "--include=*.bin")

    assert (ran.code, delivered(program)) == (0, {"m/weights.bin": b"weights"}), ran.said


def test_expected_sha256(program: Program) -> None:
    repository(program, {"m.pkl": b"weights"}, "m.pkl")

    wrong = download(program, f"--expected-sha256={sha256(b'other')}")
    assert (wrong.code, delivered(program)) == (15, {}), wrong.said
    right = download(program, f"--expected-sha256=sha256:{sha256(b'weights').upper()}")
    assert (right.code, delivered(program)) == (0, {"m.pkl": b"weights"}), right.said


def test_expected_sha256__of_several_files(
    program: Program, signed_folder: dict[str, bytes]
) -> None:
    repository(program, in_folder(signed_folder))
    expected = f"--expected-sha256={sha256(b'weights')}"

    several = download(program, expected)
    assert (several.code, delivered(program)) == (17, {}), several.said
    assert "the download has 3 files" in several.said
    assert download(program, expected, "--include=*.bin").code == 0
