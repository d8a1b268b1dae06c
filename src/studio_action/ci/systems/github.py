"""GitHub Actions: masks, folded groups, annotations, step outputs and the summary page.

Commands: https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from studio_action.ci import files
from studio_action.ci.console import Console, lines_to_mask
from studio_action.ci.id_token import IdTokenRequest
from studio_action.ci.job import PUBLIC_SERVER, Job
from studio_action.ci.system import System, Variables
from studio_action.errors import WorkspaceRefused
from studio_action.text import redact

MOST_OUTPUT_BYTES = 1_000_000
"""What all outputs of a job may take, in UTF-16."""
MOST_SUMMARY_BYTES = 1 << 20
"""What the summary of a step may take; of a larger one nothing is shown."""

_TITLE = "studio-action"
_CUT = "\n\nThe summary is longer than a summary page may be; the rest is left out.\n"


class GitHub(Console):
    """Writes for a step of GitHub Actions."""

    name = "GitHub Actions"

    def __init__(
        self, stream: TextIO, job: Job, fresh: Callable[[], str] = lambda: secrets.token_hex(16)
    ) -> None:
        super().__init__(stream, job)
        self._fresh = fresh

    def mask(self, secret: str) -> None:
        # One command a line: of a longer text the runner would mask short lines, too.
        for line in lines_to_mask(secret):
            if self.hide(line) != "***":
                self._write(f"::add-mask::{escape_data(line)}")
        super().mask(secret)

    def debug(self, text: str) -> None:
        if self._job.debug:
            self._write(f"::debug::{escape_data(self._safe(text))}")

    def warning(self, text: str) -> None:
        self._write(f"::warning title={_TITLE}::{escape_data(self._safe(text))}")

    def error(self, text: str) -> None:
        self._write(f"::error title={_TITLE}::{escape_data(self._safe(text))}")

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        if self._job.quiet:
            yield
            return
        self._write(f"::group::{escape_data(self._safe(title))}")
        try:
            yield
        finally:
            self._write("::endgroup::")

    def publish(self, outputs: Mapping[str, str], prefix: str) -> None:
        fitting = fitting_outputs(self._hidden(outputs))
        for name in (name for name in outputs if name not in fitting):
            self.warning(f"output {name} is left out: outputs may take 1 MB. Read the manifest")
        self._append_outputs(
            "".join(entry(name, value, self._fresh()) for name, value in fitting.items())
        )

    def summarize(self, markdown: str) -> None:
        page = self._job.summary_file
        if page is None:
            return
        try:
            room = MOST_SUMMARY_BYTES - files.size(page)
            files.append(page, cut_summary(self.hide(markdown), room))
        except WorkspaceRefused as error:
            self.warning(f"there is no summary: {error}")


def escape_data(text: str) -> str:
    """Return `text` as it is written after a command's last `::`."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def entry(name: str, value: str, fence: str) -> str:
    """Return one output for `$GITHUB_OUTPUT`; `fence` is random, so that no value can hold it.

    Raises `ValueError` if the fence occurs in what it is to enclose.
    """
    if fence in name or fence in value:
        raise ValueError("the fence of an output occurs in it: the source of randomness is broken")
    return f"{name}<<{fence}\n{value}\n{fence}\n"


def fitting_outputs(outputs: Mapping[str, str]) -> dict[str, str]:
    """Return those of `outputs`, in order, that fit into what a job may have."""
    fitting: dict[str, str] = {}
    room = MOST_OUTPUT_BYTES
    for name, value in outputs.items():
        size = len(value.encode("utf-16-le", "surrogatepass"))
        if size <= room:
            fitting[name] = value
            room -= size
    return fitting


def cut_summary(markdown: str, room: int) -> str:
    """Return as many whole lines as fit into `room` bytes, and a note if lines are left out."""
    whole = markdown.encode(errors="backslashreplace")
    # One byte stays free: the summary may have to begin on a new line.
    if len(whole) < room:
        return markdown
    lines, newline, _ = whole[: max(0, room - len(_CUT) - 1)].rpartition(b"\n")
    return lines.decode() + _CUT if newline else ""


def repository_url(value: str, environ: Mapping[str, str]) -> str:
    """Return the URL of the repository `owner/name`."""
    return f"{environ.get('GITHUB_SERVER_URL') or PUBLIC_SERVER}/{value}"


def id_token_request(environ: Mapping[str, str]) -> IdTokenRequest | None:
    """Return where the job gets ID tokens; None without `permissions: id-token: write`.

    https://docs.github.com/en/actions/reference/security/oidc
    """
    variable = "ACTIONS_ID_TOKEN_REQUEST_URL"
    url, token = environ.get(variable), environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    return IdTokenRequest(url, token, variable) if url and token else None


def job_url(environ: Mapping[str, str]) -> str:
    """Return the page of the workflow run, at this attempt of it."""
    run, attempt = environ.get("GITHUB_RUN_ID"), environ.get("GITHUB_RUN_ATTEMPT") or "1"
    repository = repository_url(environ.get("GITHUB_REPOSITORY", ""), environ)
    return redact(f"{repository}/actions/runs/{run}/attempts/{attempt}") if run else ""


# https://docs.github.com/en/actions/reference/variables-reference
SYSTEM = System(
    name="github",
    sign="GITHUB_ACTIONS",
    platform=GitHub,
    priority=5,
    variables=Variables(
        workspace="GITHUB_WORKSPACE",
        repository="GITHUB_REPOSITORY",
        server="GITHUB_SERVER_URL",
        ref="GITHUB_REF",
        revision="GITHUB_SHA",
        output_file="GITHUB_OUTPUT",
        summary_file="GITHUB_STEP_SUMMARY",
        pull_request="GITHUB_EVENT_NAME",
        debug="RUNNER_DEBUG",
    ),
    repository_url=repository_url,
    job_url=job_url,
    tells_pull_request=lambda event: event.startswith("pull_request"),
    no_token="Add `token: ${{ secrets.DVC_STUDIO_TOKEN }}`, and that secret to the repository",
    id_token=id_token_request,
    no_id_token="Give the job `permissions: id-token: write`, if the server trusts this GitHub",
)
