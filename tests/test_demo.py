from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests import sample
from tests.demo import demo


def test_demo(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = demo(tmp_path / "demo")

    (prod,) = sample.expected()["models"]["models/churn:churn"]["versions"]["v3.0.0"]["files"]
    content = (tmp_path / "demo/workspace" / prod["path"]).read_bytes()
    assert (code, hashlib.md5(content).hexdigest()) == (0, prod["md5"])
    said = capfd.readouterr().out
    assert prod["md5"] in said
    assert '"version": "v3.0.0"' in said
