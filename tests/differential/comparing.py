"""The same project and questions, before the real dvc and before us."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.differential.programs import Delivery, Dvc, ours
from tests.differential.project import Ground, Project, put

_numbers = itertools.count()


@contextlib.contextmanager
def at_place(project: Project, ground: Ground) -> Iterator[str]:
    """Where the project can be asked for, its folder or its URL, until it is gone again."""
    name = f"p{next(_numbers)}"
    place = put(project, ground, name)
    try:
        yield place.url if project.served else str(place.folder)
    finally:
        for each in (place.folder, *ground.folder.glob(f"{name}[.-]*")):
            shutil.rmtree(each)


def asked(project: Project, dvc: Dvc, ground: Ground) -> list[tuple[Delivery, Delivery]]:
    """What dvc and we deliver to each question, in their order; nothing of it stays."""
    with at_place(project, ground) as address, tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        return [
            (
                dvc.get(address, question, work / f"{number}-dvc"),
                ours(address, question, work / f"{number}-ours", work),
            )
            for number, question in enumerate(project.questions)
        ]
