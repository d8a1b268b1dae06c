"""Which CI system this runs under: its job, and what writes for it.

A system is known by its module in `ci/systems/`, and nowhere else.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from studio_action.ci import systems
from studio_action.ci.base import Platform
from studio_action.ci.generic import Generic
from studio_action.ci.id_token import IdTokenSource
from studio_action.ci.job import NO_SYSTEM, Job
from studio_action.ci.results import Results, Style
from studio_action.ci.system import System


@lru_cache
def known_systems() -> tuple[System, ...]:
    """Return every CI system that has a module, the one with the highest priority first."""
    modules = pkgutil.iter_modules(systems.__path__)
    found = [import_module(f"{systems.__name__}.{module.name}").SYSTEM for module in modules]
    return tuple(sorted(found, key=lambda system: (-system.priority, system.name)))


def detect_job(environ: Mapping[str, str], cwd: Path) -> Job:
    """Return the job that `environ` describes; `cwd` is its workspace where it names none.

    A plain container knows only its repository, if a system's variable for it was passed in.
    """
    known = known_systems()
    system = next((each for each in known if each.matches(environ)), None)
    if system is None:
        urls = (each.repository(environ) for each in known)
        job = Job(NO_SYSTEM, cwd, repository=next(filter(None, urls), ""))
    else:
        job = system.job(environ, cwd)
    return replace(job, debug=any(each.is_debug(environ) for each in known))


def platform_for(
    job: Job, *, stdout: TextIO, stderr: TextIO, style: Style = "auto", plain: bool = False
) -> Platform:
    """Return what writes for `job`: its log goes to `stdout`; without a CI system, to `stderr`,
    and the outputs to `stdout`, in that style. A `plain` log has no colours
    (https://no-color.org); CI systems show them, so that theirs has.

    No character makes a stream fail: one that its encoding lacks is written as an escape.
    """
    for stream in (stdout, stderr):
        if isinstance(stream, TextIOWrapper):
            # What Windows writes to a file or a pipe otherwise, no CI system reads.
            piped = sys.platform == "win32" and not stream.isatty()
            stream.reconfigure(encoding="utf-8" if piped else None, errors="backslashreplace")
    system = _system_of(job)
    if system is None:
        return Generic(stderr, job, Results(stdout, style), in_colour=stderr.isatty() and not plain)
    return system.platform(stdout, job)


def no_token_hint(job: Job) -> str:
    """Return what to do in a job of this system that has no token; '' where nothing is known."""
    system = _system_of(job)
    return system.no_token if system else ""


def id_token_source(job: Job, environ: Mapping[str, str]) -> IdTokenSource | None:
    """Return where a job of this system has ID tokens from; None if it has none.

    Raises `BadInput` if its variables hold something else.
    """
    system = _system_of(job)
    return system.id_token(environ) if system else None


def no_id_token_hint(job: Job) -> str:
    """Return what to do in a job of this system that has no ID token; '' where nothing is known."""
    system = _system_of(job)
    return system.no_id_token if system else ""


def _system_of(job: Job) -> System | None:
    return next((each for each in known_systems() if each.name == job.system), None)
