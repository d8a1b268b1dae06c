"""The files of several models as one download, under paths of which no two are the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from studio_action.download.base import Downloader, Fetched, Progress
from studio_action.errors import StudioActionError, WorkspaceRefused
from studio_action.model.artifact import RemoteFile
from studio_action.model.paths import find_clash
from studio_action.run.preparing import Prepared
from studio_action.run.size_limit import limited, refused_if_too_large
from studio_action.text import printable
from studio_action.workspace.workspace import Workspace

Models = Mapping[str, Prepared]
"""By what messages call them: '' where there is but one."""


@contextmanager
def about(name: str) -> Iterator[None]:
    """Say which of several models a failure is about."""
    try:
        yield
    except StudioActionError as error:
        if not name:
            raise
        raise type(error)(f"{name}: {error.message}", error.hint) from error


def check_places(models: Models, workspace: Workspace) -> None:
    """Raise `WorkspaceRefused` if files of two models cannot lie beside each other."""
    if len(models) < 2:
        return
    every = [
        (workspace.relative(each.place), name)
        for name, model in models.items()
        for each in model.landings
    ]
    if pair := find_clash(path for path, _ in every):
        owner = next(name for path, name in every if path == pair[0])
        other = next(name for path, name in reversed(every) if path == pair[1])
        first, second = (repr(printable(path, 200)) for path in pair)
        raise WorkspaceRefused(
            f"the files {first} and {second}, of {owner} and {other}, cannot both be placed",
            "Give each model a dest of its own",
        )


def fetch(models: Models, downloader: Downloader, progress: Progress) -> dict[str, list[Fetched]]:
    """Return the files that are not there yet, by model; raise what `Downloader.fetch` raises.

    They share the connections of one download, and its end: a failure of one ends all.
    """
    files: list[RemoteFile] = []
    limits: set[int] = set()
    for name, model in models.items():
        most = model.found.most_bytes
        if most is not None:
            limits.add(most)
        wanted = limited([each.placement.file for each in model.missing], most)
        files += [replace(file, path=_path(name, file.path)) for file in wanted] if name else wanted
    with refused_if_too_large(limits):
        came = iter(downloader.fetch(files, renew=lambda: _renewed(models), progress=progress))
    return {
        name: [_as(each.placement.file, next(came)) for each in model.missing]
        for name, model in models.items()
    }


def _renewed(models: Models) -> dict[str, str]:
    return {
        _path(name, path): url
        for name, model in models.items()
        if model.missing
        for path, url in model.renew().items()
    }


def _as(file: RemoteFile, came: Fetched) -> Fetched:
    """Return what came as the file that it was asked for as; a copy only where that differs."""
    return came if came.file is file else replace(came, file=file)


def _path(name: str, path: str) -> str:
    """Return a path that no file of another model has, and that says whose it is."""
    return f"{name}: {path}" if name else path
