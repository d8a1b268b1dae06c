"""What earlier runs left in our folder of the workspace: their records, of each model one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from studio_action.model import plan
from studio_action.model.paths import STATE_FOLDER
from studio_action.net import bounded_json
from studio_action.outputs import earlier, manifest
from studio_action.outputs.earlier import Earlier, EarlierFile
from studio_action.run.preparing import Prepared
from studio_action.text import printable
from studio_action.workspace import regular_files
from studio_action.workspace.removing import Removal
from studio_action.workspace.workspace import Workspace

_RECORD = "model.json"


def earlier_of(prepared: Prepared, workspace: Workspace) -> Earlier | None:
    """Return the record of the last download of the same model to the same place; None without."""
    try:
        return _read(_folder(prepared, workspace))
    except (OSError, ValueError):
        return None


def stale_files(
    models: Collection[Prepared], workspace: Workspace, say: Callable[[str], None]
) -> tuple[EarlierFile, ...]:
    """Return the files that `prune` removes: of the earlier records, and no longer the models'.

    Where a record of another model cannot be read, nothing is: its files might be among them.
    """
    if not models:
        return ()
    folders = {_folder(each, workspace) for each in models}
    try:
        others = {file.path for record in _others(folders, workspace) for file in record.files}
    except (OSError, ValueError) as error:
        say(f"Nothing is pruned, because the record of another model cannot be read: {error}")
        return ()
    current = {path for each in models for path in _places(each, workspace)}
    return tuple(
        {
            file.path: file
            for each in models
            if (record := earlier_of(each, workspace))
            for file in earlier.stale(record, workspace.relative(each.dest), current, others)
        }.values()
    )


def removals(files: Collection[EarlierFile], workspace: Workspace) -> Iterator[Removal]:
    """Yield what removes the files, if they are unchanged."""
    return (Removal(workspace.root / each.path, each.sha256) for each in files)


def pruning_lines(
    stale: Collection[EarlierFile], pruned: Collection[Path], workspace: Workspace
) -> Iterator[str]:
    """Yield what became of the files that the models no longer have."""
    gone = {workspace.relative(each) for each in pruned}
    for each in stale:
        if each.path in gone:
            yield f"Removed {printable(each.path, 300)}, which the model no longer has"
        else:
            yield f"Kept {printable(each.path, 300)}: it is gone or not as it was placed"


def _places(prepared: Prepared, workspace: Workspace) -> Iterator[str]:
    """Yield where each file of the model belongs, also those that filters leave out."""
    found, layout = prepared.found, prepared.delivery.layout
    for file in found.resolution.files:
        target = prepared.dest / plan.target(file.path, layout, found.root)
        yield workspace.relative(target)
    yield from (workspace.relative(each.place) for each in prepared.landings)


def _folder(prepared: Prepared, workspace: Workspace) -> Path:
    dest = workspace.relative(prepared.dest)
    return workspace.root / STATE_FOLDER / manifest.folder_for(prepared.found.resolution, dest)


def _others(folders: Collection[Path], workspace: Workspace) -> Iterator[Earlier]:
    for record in sorted((workspace.root / STATE_FOLDER).glob(f"*/{_RECORD}")):
        if record.parent not in folders:
            yield _read(record.parent)


def _read(folder: Path) -> Earlier:
    return earlier.read(regular_files.read(folder / _RECORD, bounded_json.LARGEST))
