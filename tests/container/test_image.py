"""What is in the image, and what it needs of whoever runs it: nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.image import pulled
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import studio_action
from tests.container.engine import ROOT, Image, answer
from tests.reference.server import ReferenceServer
from tests.signature.sigstore_instance import IDENTITY, ISSUER, Sigstore, new_key
from tests.signature.statements import of_files, public_pem, signed_by_key

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def slim(image: Image) -> Image:
    """The image without the libraries of clouds."""
    arguments = ("--build-arg", "REQUIREMENTS=slim", "--tag", "studio-action:test-slim")
    answer("build", *arguments, str(ROOT))
    return Image("studio-action:test-slim", image.base)


def test_image__what_is_pulled_over_its_base(image: Image, tmp_path: Path) -> None:
    assert pulled(image.name, image.base, tmp_path) < 38 * MEGABYTE


def test_image__slim(slim: Image, tmp_path: Path) -> None:
    assert pulled(slim.name, slim.base, tmp_path) < 17 * MEGABYTE
    done = slim.run("--help")
    assert done.returncode == 0, done.stderr


def test_image__its_libraries_do_what_they_are_there_for(image: Image, tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "client_email": "ci@example.iam.gserviceaccount.com",
        "private_key": pem.decode(),
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    (tmp_path / "account.json").write_text(json.dumps(account))
    (tmp_path / "signing.py").write_bytes((ROOT / "tests/container/signing.py").read_bytes())
    tmp_path.chmod(0o755)

    done = image.run(
        "-IB",
        "signing.py",
        "account.json",
        options=("--entrypoint=python3",),
        workspace=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    for host in ("amazonaws.com", "blob.core.windows.net", "googleapis.com", "aliyuncs.com"):
        assert host in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "git version",
        "git remote-https </dev/null",
        "git upload-pack -h",
        "ssh -V",
        "gpg --version",
    ],
)
def test_image__its_programs_have_their_libraries(image: Image, command: str) -> None:
    done = image.run("-c", command, options=("--entrypoint=sh",))

    assert "error while loading" not in done.stderr + done.stdout
    assert done.returncode in (0, 1, 129), done.stderr  # the last two after words of their own


def test_image__scanners_see_what_is_in_it(image: Image) -> None:
    """Every program and library that was copied has its package's version and its licence."""
    script = """
cd /var/lib/dpkg/status.d
for package in git gpg openssh-client libcurl3-gnutls; do
  grep -q '^Version: ' "$package" && test -s "/usr/share/doc/$package/copyright" || echo "$package"
done
"""
    done = image.run("-c", script, options=("--entrypoint=sh",))

    assert (done.stdout, done.stderr) == ("", "")


def test_image__labels(image: Image) -> None:
    labels = json.loads(answer("image", "inspect", "--format={{json .Config.Labels}}", image.name))

    assert labels["org.opencontainers.image.version"] == studio_action.__version__
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_image__no_user_no_folder_no_shell(image: Image) -> None:
    config = json.loads(answer("image", "inspect", "--format={{json .Config}}", image.name))

    assert not config.get("User")
    assert config.get("WorkingDir", "") in ("", "/")
    assert config["Entrypoint"] == ["/entrypoint.py"]


def test_image__no_compiler_and_no_cache(image: Image) -> None:
    script = "! command -v gcc cc ld make && ! ls -d /root/.cache /build /var/lib/apt/lists/*_*"

    done = image.run("-c", script, options=("--entrypoint=sh",))

    assert done.returncode == 0, done.stdout


def test_image__whatever_a_download_imports_has_bytecode(
    image: Image, studio: ReferenceServer, owned_workspace: Path
) -> None:
    script = """
import contextlib, io, os, pathlib, sys
from studio_action.cli import run
with contextlib.redirect_stdout(io.StringIO()):
    code = run(["download-model", "--repo=acme/models", "--model=text-classifier"], os.environ)
paths = [getattr(module, "__cached__", None) for module in list(sys.modules.values())]
print(code, [path for path in paths if path and not pathlib.Path(path).exists()])
"""
    environ = {"DVC_STUDIO_URL": studio.url, "DVC_STUDIO_TOKEN": studio.token}

    done = image.run(
        "-IBc",
        script,
        options=("--entrypoint=python3",),
        workspace=owned_workspace,
        environ=environ,
    )

    assert done.stdout == "0 []\n", done.stderr


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="root"),
        pytest.param(("--user=4321:8765",), id="unknown user"),
        pytest.param(("--read-only",), id="read-only root file system"),
        pytest.param(("--read-only", "--user=4321", "--cap-drop=ALL"), id="least privilege"),
    ],
)
def test_image__help(image: Image, options: tuple[str, ...]) -> None:
    done = image.run("--help", options=options)

    assert done.returncode == 0, done.stderr
    assert "download-model" in done.stdout


def test_image__help_without_home_or_path(image: Image) -> None:
    done = image.run("-i", "/entrypoint.py", "--help", options=("--entrypoint=env",))

    assert done.returncode == 0, done.stderr


def test_image__program_is_on_the_path_for_a_gitlab_job(image: Image) -> None:
    done = image.run("-c", "studio-action --version", options=("--entrypoint=sh",))

    assert done.stdout.splitlines()[0] == f"studio-action {studio_action.__version__}"


def test_image__hyphenated_variables_arrive(image: Image) -> None:
    environ = {
        "GITHUB_ACTIONS": "true",
        "INPUT_REPO": "acme/models",
        "INPUT_MODEL": "churn",
        "INPUT_IF-NOT-FOUND": "perhaps",
    }

    done = image.run(environ=environ)

    assert done.returncode == 10
    assert "if-not-found" in done.stdout + done.stderr
    assert "perhaps" in done.stdout + done.stderr


def test_image__modules_of_the_workspace_are_not_run(image: Image, tmp_path: Path) -> None:
    for name in ("click", "requests", "pycurl"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the workspace was imported')\n")

    done = image.run("--help", workspace=tmp_path, environ={"PYTHONPATH": "/workspace"})

    assert done.returncode == 0, done.stderr


def test_image__amazons_library_can_still_ask_who_gives_credentials(image: Image) -> None:
    script = """
import botocore.session
session = botocore.session.Session()
for service in ("s3", "sts", "sso", "sso-oidc", "signin"):
    print(session.create_client(service, region_name="eu-west-1").meta.endpoint_url)
"""

    done = image.run("-IBc", script, options=("--entrypoint=python3",))

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 5


def test_image__signatures_are_verified_by_what_is_left_of_the_libraries(
    image: Image, owned_workspace: Path
) -> None:
    """The command lines and the colours that were cut are not missed."""
    sigstore, key = Sigstore(), new_key()
    said = of_files({"a": b"a"})
    trusted = {"root": sigstore.trusted_root(), "key": public_pem(key)}
    bundles = {"sigstore": sigstore.bundle(said), "key": signed_by_key(said, key)}
    (owned_workspace / "case.json").write_text(json.dumps({**trusted, "bundles": bundles}))
    script = f"""
import json, pathlib, tempfile
from studio_action.signature import trust_root, verifying
from studio_action.signature.policy import SignaturePolicy
from studio_action.signature.statement import Bundle
case = json.loads(pathlib.Path("case.json").read_text())
by_sigstore = SignaturePolicy("sigstore", "", "", "", {IDENTITY!r}, {ISSUER!r}, case["root"])
by_key = SignaturePolicy("key", "", case["key"])
for policy in (by_sigstore, by_key):
    bundle = Bundle.read("model.sig", json.dumps(case["bundles"][policy.method]).encode())
    with tempfile.TemporaryDirectory() as folder:
        print(verifying.verify(bundle, policy, pathlib.Path(folder)).method)
print(len(trust_root.embedded_root()) > 1000)
"""

    done = image.run("-IBc", script, options=("--entrypoint=python3",), workspace=owned_workspace)

    assert done.stdout.split() == ["sigstore", "key", "True"], done.stderr
