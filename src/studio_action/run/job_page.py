"""What the job's own page says about models that were downloaded: a summary, and links."""

from __future__ import annotations

from studio_action.inputs.config import Download
from studio_action.model.repository_url import commit_url
from studio_action.outputs import earlier, summary
from studio_action.outputs.earlier import Earlier
from studio_action.outputs.summary import Surroundings
from studio_action.run.context import RunContext
from studio_action.run.download import Delivered


def show(task: Download, delivered: Delivered, context: RunContext) -> None:
    """Write the summary where there is one, and lead to the commit and to the registry."""
    server, platform = context.config.job.server, context.platform
    studio = task.source.studio
    around = Surroundings(
        server,
        studio.base if studio else "",
        searchable=studio is not None and studio.is_self_hosted,
        earlier=_earlier(task, delivered),
    )
    download = delivered.download
    resolution = download.resolution
    web = summary.web_page(resolution.artifact.repository, server)
    if page := commit_url(web, resolution.revision):
        platform.link(_label(delivered), page)
    platform.summarize(summary.of_download(download, delivered.records["manifest"], around))


def _earlier(task: Download, delivered: Delivered) -> Earlier | None:
    """Return what was deployed before, by `previous-manifest` or by our own record."""
    if task.previous and task.previous.manifest:
        try:
            return earlier.read(task.previous.manifest)
        except ValueError:  # of an older version: only its digest is needed
            return None
    return delivered.earlier


def _label(delivered: Delivered) -> str:
    """Return what was deployed, in the words of a link: model, version, stage, by whom and when."""
    resolution = delivered.download.resolution
    stage = f"in {resolution.stage}" if resolution.stage else ""
    version = resolution.version or resolution.revision[:7]
    what = " ".join(filter(None, (str(resolution.artifact.model), version, stage)))
    by = resolution.assigned or resolution.registered
    return f"{what} ({by})" if by else what
