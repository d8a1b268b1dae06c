from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from studio_action.cli import run
from tests import sample
from tests.gitrepo.repositories import sample_at
from tests.oidc.issuer import DISCOVERY, Reply, issuer
from tests.server.guarded import OPTIONS, PASSWORD, guarded


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """A server of the sample repository, whose remotes are folders."""
    sample_at(tmp_path / "models.git")
    file = tmp_path / "server.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "data-dir": "data",
                "folders": {"objects": str(sample.OBJECTS)},
                "repositories": [
                    {"name": "acme/models", "url": "./models.git", "remotes": sample.REMOTES}
                ],
            }
        )
    )
    return file


def check(configuration: Path, *more: str, **environ: str) -> int:
    return run(["serve", "--config", str(configuration), "--check", *more], environ)


def test_check__all_is_well(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = check(configuration, PATH="/usr/bin:/bin")

    told = capsys.readouterr().out.splitlines()
    assert code == 0
    assert told[0] == "acme/models: reached; models: 14"
    assert [line.split(": ")[1] for line in told[1:]] == ["old-model", "unpushed-model"]


def test_check__leaves_nothing_behind(configuration: Path) -> None:
    check(configuration, PATH="/usr/bin:/bin")

    assert not (configuration.parent / "data").exists()


def test_check__a_remote_that_may_not_be_read(
    configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = yaml.safe_load(configuration.read_text())
    told["repositories"][0]["remotes"]["shelf"] = {"url": "/srv"}
    configuration.write_text(yaml.safe_dump(told))

    assert check(configuration, PATH="/usr/bin:/bin") == 10
    assert "local-model: Local remote was ignored" in capsys.readouterr().out


def test_check__a_storage_that_does_not_answer(
    configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = yaml.safe_load(configuration.read_text())
    told["repositories"][0]["remotes"]["web"] = {"url": "http://127.0.0.1:9/x"}
    configuration.write_text(yaml.safe_dump(told))

    assert check(configuration, PATH="/usr/bin:/bin") == 13
    assert "web-model: a file of its latest version cannot be read" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        (PASSWORD, 0, "reached; models: 14"),
        ("wrong-one", 13, "web-model: The remote refused the server's own password"),
    ],
    ids=["right", "wrong"],
)
def test_check__a_remote_that_needs_a_password(
    configuration: Path, capsys: pytest.CaptureFixture[str], given: str, code: int, told: str
) -> None:
    configured = yaml.safe_load(configuration.read_text())
    with guarded(sample.objects("https", "models.example.com")) as storage:
        configured["repositories"][0]["remotes"]["web"] = {
            "url": f"{storage.url}/registry",
            **OPTIONS,
            "password": {"env": "WEB"},
        }
        configuration.write_text(yaml.safe_dump(configured))

        assert check(configuration, PATH="/usr/bin:/bin", WEB=given) == code

    out, err = capsys.readouterr()
    assert told in out
    assert given not in out + err
    assert storage.requests


def test_check__a_repository_that_is_not_there(
    configuration: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = check(configuration, "--repository", f"acme/none={tmp_path}", PATH="/usr/bin:/bin")

    assert code != 0
    assert "acme/models: reached" in capsys.readouterr().out


def test_check__the_issuers(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured = yaml.safe_load(configuration.read_text())
    rules = [{"claims": {"sub": "a"}, "scopes": ["project"], "teams": ["ml"]}]
    with issuer() as running, issuer() as down:
        down.stop()
        configured["url"] = "https://models.example.org"
        configured["trusted-issuers"] = [
            {"issuer": each.url, "name": name, "rules": rules}
            for name, each in {"running": running, "down": down}.items()
        ]
        configuration.write_text(yaml.safe_dump(configured))

        assert check(configuration, PATH="/usr/bin:/bin") == 13

    told = capsys.readouterr().out
    assert f"running: {running.url} reached; keys: 1" in told
    assert f"down: {down.url}/.well-known/openid-configuration cannot be read: no conn" in told


def test_check__the_log_in(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured = yaml.safe_load(configuration.read_text())
    with issuer() as running:
        configured["url"] = "https://models.example.org"
        configured["log-in"] = {
            "issuer": running.url,
            "client-id": "models",
            "rules": [{"claims": {"sub": "ada"}, "teams": ["ml"]}],
        }
        configuration.write_text(yaml.safe_dump(configured))

        assert check(configuration, PATH="/usr/bin:/bin") == 0
        running.replies[DISCOVERY] = Reply.json(
            {**running.discovery(), "token_endpoint": "http://a.example"}
        )
        assert check(configuration, PATH="/usr/bin:/bin") == 14

    told = capsys.readouterr().out
    assert f"log-in: 127.0.0.1: {running.url} reached; keys: 1" in told
    assert f"log-in: the discovery document of {running.url} names no https" in told


def test_check__the_database(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = "postgresql://app:hunter2@127.0.0.1:9/registry"

    assert check(configuration, PATH="/usr/bin:/bin", STUDIO_ACTION_DATABASE=url) == 13

    out, err = capsys.readouterr()
    assert "the database: " in out
    assert "hunter2" not in out + err


def test_serve__a_wrong_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--data-dir", str(tmp_path)], {}) == 10
    assert "no repository is given" in capsys.readouterr().err
