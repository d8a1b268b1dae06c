"""Files of DVC for repositories that tests make, and a remote that is a folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.gitrepo.repositories import committed, made_at


def dvc_file(content: bytes, path: str, **more: object) -> bytes:
    """Return a `.dvc` file whose only output is `content` at `path`."""
    out = {"path": path, "md5": hashlib.md5(content).hexdigest(), "hash": "md5", **more}
    return json.dumps({"outs": [out]}).encode()


def dvc_yaml(path: str) -> bytes:
    """Return a `dvc.yaml` that names the model `m`, which is at `path`."""
    return json.dumps({"artifacts": {"m": {"path": path, "type": "model"}}}).encode()


def kept(remote: Path, content: bytes, kind: str = "") -> str:
    """Put `content` into a remote that is a folder, as DVC 3 does; return its MD5 and `kind`."""
    md5 = hashlib.md5(content).hexdigest() + kind
    place = remote / "files/md5" / md5[:2] / md5[2:]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return md5


def folder_in_git(made: Path) -> tuple[Path, dict[str, bytes]]:
    """Make a repository whose model is a folder in Git; return it and the model's content."""
    content = {f"m/{name}": name.encode() for name in ("a", "b c", "deep/er", "same", "tool")}
    content["m/also"] = content["m/same"]
    folder = made_at(made, {"dvc.yaml": dvc_yaml("m")})
    (folder / "m").mkdir()
    (folder / "m/tool").touch(0o755)
    committed(folder, content, "m@v1.0.0")
    return folder, content
