"""A policy's limit of size, where nobody told the sizes before the download."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from studio_action.download.base import Fetched
from studio_action.errors import PolicyRefused, TooLarge
from studio_action.model.artifact import RemoteFile
from studio_action.text import human_size

_HINT = "Request fewer files with include and exclude, or raise the limit"


def limited(files: Sequence[RemoteFile], most: int | None) -> list[RemoteFile]:
    """Return the files so that none of them brings more than `most` bytes, less what is known."""
    if most is None:
        return list(files)
    known = sum(file.size or 0 for file in files)
    left = max(0, most - known)
    return [
        replace(file, largest=left if file.size is None else max(file.size, left)) for file in files
    ]


@contextmanager
def refused_if_too_large(limits: Collection[int]) -> Iterator[None]:
    """Raise `PolicyRefused` for a file of `limited` that is too large; `limits` are the models'."""
    try:
        yield
    except TooLarge as error:
        if not limits:
            raise
        allowed = _allowed(*limits) if len(limits) == 1 else "its policy allows no more"
        raise PolicyRefused(f"{error.message}, and {allowed}", _HINT) from error


def check_total(files: Iterable[Fetched | RemoteFile], most: int | None) -> None:
    """Raise `PolicyRefused` if the files are more than `most` bytes together, as far as known."""
    total = sum(file.size or 0 for file in files)
    if most is not None and total > most:
        raise PolicyRefused(
            f"the files have {total:,} bytes ({human_size(total)}), and {_allowed(most)}", _HINT
        )


def _allowed(most: int) -> str:
    return f"no more than {most:,} are allowed for all files together"
