"""A download that is planned and not made: what it would do is said, and the workspace stays."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from studio_action.download import sizes, speed
from studio_action.inputs.config import Download
from studio_action.inputs.outputs_table import DOWNLOAD, MODEL_PREFIX
from studio_action.model.artifact import RemoteFile
from studio_action.net.network import Network
from studio_action.outputs import download_plan, report, summary
from studio_action.outputs.download_plan import DownloadPlan, PlannedFile
from studio_action.run.context import RunContext, publish
from studio_action.run.earlier_records import stale_files
from studio_action.run.preparing import Prepared
from studio_action.run.several_models import found_models, prepared_models, say_sources
from studio_action.run.side_by_side import resolved
from studio_action.run.together import check_places
from studio_action.run.wiring import open_network, open_signatures, open_transfer, scratch_folder
from studio_action.workspace.workspace import Workspace


def plan_downloads(tasks: Mapping[str, Download], context: RunContext) -> None:
    """Say what would be done for each model, by its name: '' where there is but one."""
    workspace, platform = context.config.workspace, context.platform
    delivery = next(iter(tasks.values())).delivery
    for task in tasks.values():
        workspace.inside(task.delivery.dest)  # refused before anything is requested
    say_sources(tasks.values(), context)
    with (
        open_network(context) as network,
        scratch_folder(workspace) as scratch,
        open_transfer(context, scratch, network) as downloader,
        resolved(tasks, context, network, delivery.connections) as answers,
        open_signatures(context, network, downloader) as verifier,
    ):
        found = found_models(tasks, answers, context)
        models = prepared_models(tasks, found, verifier, context)
        check_places(models, workspace)
        models = {name: _measured(each, network, context) for name, each in models.items()}
        plan = _plan(models, network, context)
    with platform.group("Dry run: the workspace stays as it is"):
        for line in download_plan.lines(plan):
            platform.info(line)
    if not plan.fits:
        platform.warning("The download needs more space than the disk has")
    publish(_outputs(tasks, models, plan, context), MODEL_PREFIX, context)
    platform.summarize(summary.of_plan(plan))


def _measured(model: Prepared, network: Network, context: RunContext) -> Prepared:
    """Return the model with the sizes of its missing files, as far as the storage tells them."""
    files = [each.placement.file for each in model.missing]
    known = sizes.measured(files, network, context.config.limits)
    missing = tuple(
        replace(each, placement=replace(each.placement, file=file))
        for each, file in zip(model.missing, known, strict=True)
    )
    return replace(model, missing=missing)


def _plan(models: Mapping[str, Prepared], network: Network, context: RunContext) -> DownloadPlan:
    workspace = context.config.workspace
    wanted = [each.placement.file for model in models.values() for each in model.missing]
    largest = max(wanted, key=lambda file: file.size or 0, default=None)
    pruning = [model for model in models.values() if model.delivery.prune]
    stale = stale_files(pruning, workspace, context.platform.warning)
    removed = (PlannedFile(each.path, each.size, "remove") for each in stale)
    return DownloadPlan(
        (
            *(file for name, model in models.items() for file in _files(name, model, workspace)),
            *removed,
        ),
        datetime.now(timezone.utc),
        speed.measured(largest, network, context.config.limits) if largest else None,
        _first_expiry(wanted),
        shutil.disk_usage(workspace.root).free,
    )


def _files(name: str, model: Prepared, workspace: Workspace) -> Iterator[PlannedFile]:
    missing = {each.place: each.placement.file.size for each in model.missing}
    for each in model.landings:
        path, place = workspace.relative(each.place), each.place
        if place in missing:
            is_there = place.is_symlink() or place.exists()
            yield PlannedFile(path, missing[place], "replace" if is_there else "fetch", name)
        else:
            yield PlannedFile(path, model.kept[each.placement.file.path].size, "keep", name)


def _first_expiry(files: Sequence[RemoteFile]) -> datetime | None:
    return min((file.expires for file in files if file.expires), default=None)


def _outputs(
    tasks: Mapping[str, Download],
    models: Mapping[str, Prepared],
    plan: DownloadPlan,
    context: RunContext,
) -> dict[str, str]:
    rows = {name: report.skipped_outputs(DOWNLOAD) for name in tasks}
    for name, model in models.items():
        resolution, request = model.found.resolution, model.request
        rows[name] = report.dry_run_outputs(
            resolution,
            model.found.digest,
            request.filters,
            tasks[name].previous,
            context.config.workspace.relative(model.path),
            [file for file in plan.files if file.model == name and file.action != "remove"],
        )
    whole = rows[""] if "" in rows else report.models_outputs(DOWNLOAD, rows)
    return {**whole, "plan": download_plan.document(plan)} if models else whole
