"""The files in `integrations/`, run in the image as each system runs them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from studio_action.inputs.outputs_table import DOWNLOAD, outputs_of
from tests.container import expected
from tests.container.engine import OWNER, Image
from tests.integrations.manifests import FOLDER, Container, container, of_argo, of_tekton, read
from tests.oidc.issuer import Issuer
from tests.reference.server import ReferenceServer
from tests.servers.keyless import gitlab_job
from tests.servers.registry import OwnServer

REPOSITORY = "https://github.com/acme/models"


def run(
    found: Container, image: Image, studio: ReferenceServer, volumes: dict[Path, str]
) -> subprocess.CompletedProcess[str]:
    """One run of a container, with the volumes that its pod mounts."""
    mounts = [f"--volume={place}:{inside}" for place, inside in volumes.items()]
    tokens = {name: studio.token for name, key in found.secrets.items() if key == "token"}
    environ = {**found.environ, **tokens, "STUDIO_ACTION_STUDIO_URL": studio.url}
    entrypoint, *arguments = found.command
    done = image.run(
        *arguments,
        options=(
            f"--entrypoint={entrypoint}",
            "--user={}:{}".format(*OWNER),
            "--cap-drop=ALL",
            *([f"--workdir={found.folder}"] if found.folder else []),
            *mounts,
        ),
        environ=environ,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert studio.token not in done.stdout + done.stderr
    return done


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    os.chown(folder, *OWNER)
    return folder


def read_each(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_outputs(found: dict[str, bytes], path: str) -> None:
    """Every output is there, and what is known of the sample is right to the byte."""
    assert set(found) == set(outputs_of(DOWNLOAD))
    assert found["path"] == path.encode()
    assert found["digest"] == expected.digest("text-classifier", "prod").encode()
    assert (found["stage"], found["model"]) == (b"prod", b"text-classifier")
    assert (found["file-count"], found["skipped"]) == (b"1", b"false")


def test_tekton(
    image: Image, studio: ReferenceServer, owned_workspace: Path, results: Path
) -> None:
    spec = read("tekton/download-model.yaml")["spec"]
    params: dict[str, Any] = {each["name"]: each.get("default", "") for each in spec["params"]}
    params |= {"repo": REPOSITORY, "model": "text-classifier", "stage": "prod", "dest": "model"}
    params["options"] = ["--include=*", "--verify=require"]
    (step,) = spec["steps"]
    found = container(step, of_tekton(params, {"output": "/workspace/output"}))

    run(found, image, studio, {owned_workspace: "/workspace/output", results: "/tekton/results"})

    (path,) = files = expected.files("text-classifier", "prod")
    assert expected.found_in(owned_workspace / "model") == files
    assert_outputs(read_each(results), f"model/{path}")


def test_argo_workflows(image: Image, studio: ReferenceServer, owned_workspace: Path) -> None:
    from hera.workflows.models import WorkflowTemplate

    manifest = read("argo-workflows/download-model.yaml")
    WorkflowTemplate.model_validate(manifest)
    (template,) = manifest["spec"]["templates"]
    given = {each["name"]: each.get("value", "") for each in template["inputs"]["parameters"]}
    given |= {"repo": REPOSITORY, "model": "text-classifier", "stage": "prod"}
    found = container(template["container"], of_argo(given))

    run(found, image, studio, {owned_workspace: "/job"})

    (path,) = files = expected.files("text-classifier", "prod")
    assert expected.found_in(owned_workspace / "model") == files
    outputs = read_each(owned_workspace / "outputs")
    assert_outputs(outputs, f"model/{path}")
    for each in template["outputs"]["parameters"]:
        assert (owned_workspace / Path(each["valueFrom"]["path"]).relative_to("/job")).is_file()


def test_kubernetes(image: Image, studio: ReferenceServer, owned_workspace: Path) -> None:
    spec = read("kubernetes/init-container.yaml")["spec"]["template"]["spec"]
    (init,) = spec["initContainers"]
    found = container(init, lambda text: [text])
    found.environ["STUDIO_ACTION_MODEL"] = "text-classifier"

    run(found, image, studio, {owned_workspace: "/models"})

    (path,) = expected.files("text-classifier", "prod")
    assert (owned_workspace / Path(path).name).is_file()
    assert (owned_workspace / ".studio-action").is_dir()


@pytest.mark.parametrize("model", ["text-classifier", "dir-model"])
def test_kserve(image: Image, studio: ReferenceServer, owned_workspace: Path, model: str) -> None:
    manifest = read("kserve/storage-container.yaml")["spec"]
    (scheme,) = manifest["supportedUriFormats"]
    service = read("kserve/inference-service.yaml")["spec"]["predictor"]["model"]
    uri = service["storageUri"].replace("churn", model)
    assert uri.startswith(scheme["prefix"])
    spec = {**manifest["container"], "args": [uri, "/mnt/models"]}
    found = container(spec, lambda text: [text])

    run(found, image, studio, {owned_workspace: "/mnt/models"})

    digests = expected.files(model, "prod")
    assert sorted(expected.found_in(owned_workspace).values()) == sorted(digests.values())
    assert not (owned_workspace / ".studio-action").exists()


@pytest.fixture
def shim(tmp_path: Path) -> Path:
    """A folder with a `docker` that reaches our loopback."""
    folder = tmp_path / "bin"
    folder.mkdir()
    real = subprocess.check_output(["which", "docker"], text=True).strip()
    (folder / "docker").write_text(
        f"#!/bin/sh\nshift\nexec {real} run --network=host"
        ' --env HTTPS_PROXY=http://127.0.0.1:1 "$@"\n'
    )
    (folder / "docker").chmod(0o755)
    return folder


def bash(script: str, folder: Path, shim: Path, **environ: str) -> str:
    """Run a script as a CI system does; return its standard output."""
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={"PATH": f"{shim}:{os.environ['PATH']}", "HOME": str(shim), **environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_buildkite(image: Image, studio: ReferenceServer, tmp_path: Path, shim: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    hook = FOLDER / "buildkite" / "hooks" / "pre-command"

    said = bash(
        f". {hook}\n"
        'printf "%s\\n" "$MODEL_PATH" "$MODEL_DIGEST" "$MODEL_FILE_COUNT" "$MODEL_STAGE"',
        checkout,
        shim,
        BUILDKITE_REPO=REPOSITORY,
        BUILDKITE_PLUGIN_STUDIO_ACTION_MODEL="text-classifier",
        BUILDKITE_PLUGIN_STUDIO_ACTION_STAGE="prod",
        BUILDKITE_PLUGIN_STUDIO_ACTION_DEST="the model",
        BUILDKITE_PLUGIN_STUDIO_ACTION_STUDIO_URL=studio.url,
        BUILDKITE_PLUGIN_STUDIO_ACTION_IMAGE=image.name,
        DVC_STUDIO_TOKEN=studio.token,
    )

    (path,) = expected.files("text-classifier", "prod")
    digest = expected.digest("text-classifier", "prod")
    assert said.splitlines() == [f"the model/{path}", digest, "1", "prod"]
    assert expected.found_in(checkout / "the model") == expected.files("text-classifier", "prod")


def test_buildkite__without_a_stored_token(
    image: Image, keyless: OwnServer, ci: Issuer, tmp_path: Path, shim: Path
) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (id_token,) = gitlab_job(ci, keyless.url).values()  # the server knows no other claims
    agent = shim / "buildkite-agent"
    agent.write_text(
        f'#!/bin/sh\n[ "$*" = "oidc request-token --audience {keyless.url}" ] && echo {id_token}\n'
    )
    agent.chmod(0o755)

    said = bash(
        f". {FOLDER / 'buildkite' / 'hooks' / 'pre-command'}\n"
        'echo "$MODEL_VERSION ${STUDIO_ACTION_ID_TOKEN-gone}"',
        checkout,
        shim,
        BUILDKITE_REPO=REPOSITORY,
        BUILDKITE_PLUGIN_STUDIO_ACTION_MODEL="text-classifier",
        BUILDKITE_PLUGIN_STUDIO_ACTION_STAGE="prod",
        BUILDKITE_PLUGIN_STUDIO_ACTION_STUDIO_URL=keyless.url,
        BUILDKITE_PLUGIN_STUDIO_ACTION_IMAGE=image.name,
    )

    assert said == "v1.0.0 gone\n"


def test_azure_pipelines(image: Image, studio: ReferenceServer, tmp_path: Path, shim: Path) -> None:
    sources, temporary = tmp_path / "s", tmp_path / "t"
    sources.mkdir()
    temporary.mkdir()
    template = read("azure-pipelines/download-model.yml")
    (step,) = template["steps"]
    given = {each["name"]: each["default"] for each in template["parameters"]}
    given |= {"model": "text-classifier", "stage": "prod", "token": studio.token, "gitToken": ""}
    given |= {"studioUrl": studio.url, "image": image.name, "repo": REPOSITORY}

    def replaced(text: str) -> str:
        for name, value in given.items():
            text = text.replace(f"${{{{ parameters.{name} }}}}", str(value))
        return text.replace("$(Build.SourcesDirectory)", str(sources))

    environ = {
        name: replaced(value) for name, value in step["env"].items() if isinstance(value, str)
    }
    environ.pop("${{ insert }}", None)

    said = bash(
        replaced(step["script"]),
        temporary,
        shim,
        TF_BUILD="True",
        BUILD_SOURCESDIRECTORY=str(sources),
        **environ,
    )

    (path,) = expected.files("text-classifier", "prod")
    for suffix in ("", ";isOutput=true"):
        assert f"##vso[task.setvariable variable=MODEL_PATH{suffix}]model/{path}\n" in said
    assert studio.token not in said.replace(f"##vso[task.setsecret]{studio.token}", "")
    assert expected.found_in(sources / "model") == expected.files("text-classifier", "prod")
    assert list(temporary.iterdir()) == []


def test_bitbucket(image: Image, studio: ReferenceServer, owned_workspace: Path) -> None:
    """A pipe runs the image without a command line, with its variables as the environment."""
    (trigger,) = read("bitbucket/bitbucket-pipelines.yml")["pipelines"]["tags"].values()
    variables = trigger[0]["step"]["script"][0]["variables"]
    tag = "text-classifier#prod#1"

    done = image.run(
        workspace=owned_workspace,
        environ={
            **variables,
            "STUDIO_ACTION_TOKEN": studio.token,
            "STUDIO_ACTION_STUDIO_URL": studio.url,
            "STUDIO_ACTION_MODEL": "text-classifier",
            "STUDIO_ACTION_STAGE": "prod",
            "STUDIO_ACTION_REPO": REPOSITORY,
            "BITBUCKET_BUILD_NUMBER": "7",
            "BITBUCKET_TAG": tag,
        },
    )

    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = expected.files("text-classifier", "prod")
    assert_outputs(read_each(owned_workspace / ".studio-action" / "outputs"), f"model/{path}")
