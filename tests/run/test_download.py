from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import pytest

from studio_action.ci.job import Job
from studio_action.download.base import Fetched, Progress, Renew
from studio_action.errors import (
    ContentMismatch,
    NoSuchModel,
    PolicyRefused,
    Stopped,
    Unreachable,
    WorkspaceRefused,
)
from studio_action.inputs.config import Delivery
from studio_action.inputs.model_request import ModelRequest
from studio_action.model.artifact import ArtifactRef, AtStage, AtVersion, ModelName, RemoteFile
from studio_action.model.digest import folder_digest
from studio_action.model.plan import Filters
from studio_action.net.clock import Deadline
from studio_action.run import download as recipe
from studio_action.run.download import Delivered
from studio_action.run.resolving import renew_urls, resolve
from studio_action.workspace.workspace import Workspace
from tests.fakes import (
    NO_POLICY,
    MemoryDownloader,
    MemoryRegistry,
    RecordingPlatform,
    Silence,
    Time,
    md5,
)

CHURN = ArtifactRef("https://github.com/acme/models", ModelName("churn", "models"))
FOLDER = {"models/churn/model.bin": b"weights", "models/churn/vocab/words.txt": b"a\nb\n"}
DIGEST = folder_digest([("model.bin", md5(b"weights")), ("vocab/words.txt", md5(b"a\nb\n"))])


class Case:
    """One download, with everything that may differ."""

    def __init__(self, folder: Path, contents: Mapping[str, bytes] = FOLDER, **registry: Any):
        self.workspace = Workspace.at(folder)
        self.registry = MemoryRegistry(contents, **registry)
        self.downloader = MemoryDownloader(contents, folder / ".studio-action/partial")
        self.platform = RecordingPlatform()
        self.artifact = CHURN
        self.exclude: tuple[str, ...] = ()
        self.before_placing: Callable[[], object] = lambda: None

    def run(self, request: dict[str, Any] | None = None, **delivery: Any) -> Delivered:
        asked: dict[str, Any] = {
            "selector": AtStage("prod"),
            "filters": Filters(exclude=self.exclude),
        }
        given: dict[str, Any] = {
            "dest": PurePath("out"),
            "layout": "repo",
            "overwrite": True,
            "verify": "auto",
            "connections": 4,
        }
        return recipe.download(
            ModelRequest(self.artifact, if_not_found="error", **asked | (request or {})),
            Delivery(**given | delivery),
            registry=self.registry,
            policy=NO_POLICY,
            downloader=self,
            workspace=self.workspace,
            platform=self.platform,
            progress=Silence(),
            deadline=Deadline(None, Time().clock),
            job=Job("generic", self.workspace.root),
        )

    def fetch(
        self, files: Sequence[RemoteFile], *, renew: Renew, progress: Progress
    ) -> list[Fetched]:
        """Implements `Downloader`, so that a test can come in between."""
        fetched = self.downloader.fetch(files, renew=renew, progress=progress)
        self.before_placing()
        return fetched

    @property
    def tree(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.workspace.root)): path.read_bytes()
            for path in self.workspace.root.rglob("*")
            if path.is_file() and ".studio-action" not in path.parts
        }


def test_download__folder(workspace: Path) -> None:
    case = Case(workspace)

    outputs = case.run().outputs()

    assert case.tree == {f"out/{path}": content for path, content in FOLDER.items()}
    assert {name: outputs[name] for name in ("path", "file-count", "size", "model", "stage")} == {
        "path": "out/models/churn",
        "file-count": "2",
        "size": "11",
        "model": "models:churn",
        "stage": "prod",
    }
    assert json.loads(outputs["files"]) == list(case.tree)
    assert outputs["digest"] == str(DIGEST)
    assert outputs["cache-key"] == f"studio-action-{DIGEST.hex}"
    assert (outputs["cached"], outputs["skipped"], outputs["source"]) == (
        "false",
        "false",
        "studio",
    )


def test_download__a_file_that_may_be_run(workspace: Path) -> None:
    first, second = FOLDER

    Case(workspace, executable=second).run()

    may_be_run = [os.access(workspace / "out" / path, os.X_OK) for path in (first, second)]
    assert may_be_run == [False, True]


def test_download__the_record(workspace: Path) -> None:
    outputs = Case(workspace).run().outputs()

    manifest = json.loads(Path(outputs["manifest"]).read_text())
    assert [file["source_path"] for file in manifest["files"]] == list(FOLDER)
    assert {file["verified"] for file in manifest["files"]} == {"md5"}
    assert (manifest["repository"], manifest["asked"]) == (CHURN.repository, "stage prod")
    assert "X-Amz" not in Path(outputs["manifest"]).read_text()
    sums = Path(outputs["checksums"]).read_text().splitlines()
    assert [line.split("  ")[1] for line in sums] == [f"out/{path}" for path in FOLDER]


def test_download__the_statement_is_about_the_bytes_that_lie_there(workspace: Path) -> None:
    Case(workspace).run()
    (workspace / "out/models/churn/model.bin").write_bytes(b"tampered")
    outputs = Case(workspace).run().outputs()  # one file is kept, the other one fetched

    statement = json.loads(Path(outputs["attestation"]).read_text())
    assert [file["origin"] for file in statement["predicate"]["files"]] == ["storage", "workspace"]
    assert {each["name"]: each["digest"]["sha256"] for each in statement["subject"]} == {
        path: hashlib.sha256((workspace / "out" / path).read_bytes()).hexdigest() for path in FOLDER
    }
    kept = hashlib.sha256(Path(outputs["manifest"]).read_bytes()).hexdigest()
    assert statement["predicate"]["manifest"]["digest"]["sha256"] == kept
    predicate = json.loads(Path(outputs["attestation-predicate"]).read_text())
    assert statement["predicate"] == predicate
    assert Path(outputs["attestation-subjects"]).read_text().count("\n") == len(FOLDER)


@pytest.mark.parametrize("wanted", [True, False])
def test_download__a_bill_of_materials_on_demand(workspace: Path, wanted: bool) -> None:
    outputs = Case(workspace).run(ml_bom=wanted).outputs()

    assert bool(outputs["ml-bom"]) is wanted
    found = list(workspace.rglob("*.cdx.json"))
    assert [str(path.relative_to(workspace)) for path in found] == [outputs["ml-bom"]] * wanted
    for path in found:
        assert json.loads(path.read_text())["components"][0]["name"] == "models:churn"


def test_download__two_models_keep_two_records(workspace: Path) -> None:
    first, second = Case(workspace).run(), Case(workspace).run(dest=PurePath("other"))
    assert first.records["manifest"] != second.records["manifest"]


def test_download__again_fetches_nothing(workspace: Path) -> None:
    Case(workspace).run()
    again = Case(workspace)

    outputs = again.run().outputs()

    assert again.downloader.fetched == []
    assert (outputs["cached"], outputs["digest"]) == ("true", str(DIGEST))


def test_download__fetches_only_what_differs(workspace: Path) -> None:
    Case(workspace).run()
    (workspace / "out/models/churn/model.bin").write_bytes(b"tampered")
    again = Case(workspace)

    assert again.run().outputs()["cached"] == "false"
    assert again.downloader.fetched == ["models/churn/model.bin"]
    assert again.tree["out/models/churn/model.bin"] == b"weights"


def test_download__overwrite_false(workspace: Path) -> None:
    (workspace / "out/models/churn").mkdir(parents=True)
    (workspace / "out/models/churn/model.bin").write_bytes(b"mine")
    case = Case(workspace)

    with pytest.raises(WorkspaceRefused, match="overwrite is false"):
        case.run(overwrite=False)

    assert case.downloader.fetched == []
    assert case.tree == {"out/models/churn/model.bin": b"mine"}


def test_download__overwrite_false_with_the_same_content(workspace: Path) -> None:
    Case(workspace).run()
    assert Case(workspace).run(overwrite=False).download.cached


def test_download__a_folder_in_the_way(workspace: Path) -> None:
    (workspace / "out/models/churn/model.bin").mkdir(parents=True)
    with pytest.raises(WorkspaceRefused, match="is a folder"):
        Case(workspace).run()


def test_download__a_link_out_of_the_workspace(workspace: Path, tmp_path: Path) -> None:
    (workspace / "out").symlink_to(tmp_path)
    case = Case(workspace)
    with pytest.raises(WorkspaceRefused, match="is outside the workspace"):
        case.run()
    assert case.downloader.fetched == []


def test_download__dest_outside_is_refused_before_anything_is_asked(workspace: Path) -> None:
    case = Case(workspace)
    with pytest.raises(WorkspaceRefused, match="is outside the workspace"):
        case.run(dest=PurePath("../x"))
    assert case.registry.asked == []


@pytest.mark.parametrize(
    "failure",
    [Unreachable("gone"), ContentMismatch("bad"), Stopped(15), KeyError("a fault")],
    ids=repr,
)
def test_download__a_failure_leaves_nothing(workspace: Path, failure: BaseException) -> None:
    case = Case(workspace)
    case.downloader.failure = failure
    with pytest.raises(type(failure)):
        case.run()
    assert case.tree == {}


def test_download__filters_name_another_cache(workspace: Path) -> None:
    outputs = Case(workspace).run({"filters": Filters(("*.txt",))}).outputs()
    assert json.loads(outputs["files"]) == ["out/models/churn/vocab/words.txt"]
    assert outputs["digest"] == str(DIGEST)
    assert outputs["cache-key"].startswith(f"studio-action-{DIGEST.hex}-")


def test_download__digest_from_the_bytes_where_no_url_tells_it(workspace: Path) -> None:
    outputs = Case(workspace, addressed=False).run().outputs()
    assert outputs["digest"] == str(DIGEST)


def test_download__verify_require(workspace: Path) -> None:
    assert Case(workspace).run(verify="require").outputs()["digest"] == str(DIGEST)
    case = Case(workspace, addressed=False)
    with pytest.raises(PolicyRefused, match="require"):
        case.run(verify="require", dest=PurePath("other"))
    assert case.downloader.fetched == []


def test_download__flat(workspace: Path) -> None:
    case = Case(workspace)
    outputs = case.run(layout="flat").outputs()
    assert case.tree == {"out/model.bin": b"weights", "out/words.txt": b"a\nb\n"}
    assert outputs["path"] == "out"


def test_download__one_file(workspace: Path) -> None:
    case = Case(workspace, {"models/churn.bin": b"weights"})
    outputs = case.run(layout="model", dest=PurePath()).outputs()
    assert (outputs["path"], outputs["digest"]) == ("churn.bin", f"md5:{md5(b'weights')}")


def test_download__the_tag_that_triggered_the_run_is_reported(workspace: Path) -> None:
    asked = {"selector": AtVersion("v1.0.0"), "tag": "models=churn@v1.0.0", "revision": "c0ffee"}
    outputs = Case(workspace).run(asked).outputs()
    assert (outputs["tag"], outputs["revision"]) == ("models=churn@v1.0.0", "c0ffee")


def test_download__says_why_the_version_stays_empty(workspace: Path) -> None:
    case = Case(workspace)
    assert case.run().outputs()["version"] == ""
    assert any("Version unknown" in text for _, text in case.platform.lines)


def test_download__says_which_tag_gave_a_stage_to_a_commit_that_is_no_version(
    workspace: Path,
) -> None:
    case = Case(workspace, resolved={"tag": "churn#prod#3", "revision": "c0ffee" * 6})
    outputs = case.run().outputs()
    assert (outputs["version"], outputs["tag"]) == ("", "churn#prod#3")
    assert any("commit c0ffeec by tag churn#prod#3" in text for _, text in case.platform.lines)


def test_download__no_such_model(workspace: Path) -> None:
    with pytest.raises(NoSuchModel):
        Case(workspace, missing=True).run()


def test_renewed__same_content() -> None:
    registry = MemoryRegistry(FOLDER)
    request = ModelRequest(CHURN, AtStage("prod"), Filters(), "error")
    found = resolve(request, registry=registry, policy=NO_POLICY, platform=RecordingPlatform())
    assert set(renew_urls(found, registry)) == set(FOLDER)


@pytest.mark.parametrize(
    "changed",
    [{"models/churn/model.bin": b"other"}, {"models/other.bin": b"weights"}],
    ids=["content", "path"],
)
def test_renewed__a_stage_that_moved(changed: dict[str, bytes]) -> None:
    request = ModelRequest(CHURN, AtStage("prod"), Filters(), "error")
    found = resolve(
        request, registry=MemoryRegistry(FOLDER), policy=NO_POLICY, platform=RecordingPlatform()
    )
    with pytest.raises(ContentMismatch, match="changed while it was"):
        renew_urls(found, MemoryRegistry(changed))
