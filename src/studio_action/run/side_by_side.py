"""Several models are resolved side by side.

Those of one repository are resolved one after another, over what was fetched of it once. Each
repository has a thread of its own. It keeps the repository open, because signed URLs may have to be
renewed, and what it has to say is said by the main thread: by one model after another.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from threading import Event, Lock, Semaphore, Thread
from typing import TypeGuard

from studio_action.errors import NoSuchModel
from studio_action.gitrepo.git.programs import Processes
from studio_action.inputs.config import Download, ModelTask
from studio_action.net.network import Network
from studio_action.registries.base import Registry
from studio_action.run.context import RunContext
from studio_action.run.held_platform import HeldPlatform, Line, replay
from studio_action.run.resolving import Found, resolve
from studio_action.run.sources import open_source
from studio_action.run.together import about
from studio_action.run.wiring import open_transfer, scratch_folder

MOST_AT_ONCE = 8
"""Repositories that are resolved at a time."""
PATIENCE = 0.5
"""Seconds that threads get to end after a failure or a signal."""

Tasks = Mapping[str, ModelTask]
"""What is wanted of each model, by its name in outputs."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A model that was found, and the registry that knows it."""

    found: Found
    registry: Registry


Answer = Resolved | NoSuchModel


@dataclass(frozen=True, slots=True)
class _Said:
    """What became of one model, and the lines about it."""

    name: str
    answer: Resolved | BaseException
    lines: Sequence[Line]


@contextmanager
def resolved(
    tasks: Tasks, context: RunContext, network: Network, connections: int
) -> Iterator[Mapping[str, Answer]]:
    """Resolve every model; raise the first failure, unless it is one that `if-not-found` allows.

    Together, no more than `connections` to storage are open. The registries stay open in the block.
    """
    groups = _by_repository(tasks)
    context = replace(context, processes=Processes())  # those of these threads
    shared = _Shared(context, network, max(1, connections // len(groups)), Lock())
    threads = [Thread(target=_run, args=(group, shared), daemon=True) for group in groups]
    try:
        for thread in threads:
            thread.start()
        found = dict(_answers(tasks, shared))
        yield {name: found[name] for name in tasks}
    finally:
        shared.over.set()
        ends = time.monotonic() + PATIENCE
        for thread in threads:
            thread.join(max(0.0, ends - time.monotonic()))
        shared.context.processes.end()  # what a thread still waits for


class _Shared:
    """What the threads of one run share."""

    def __init__(self, context: RunContext, network: Network, connections: int, lock: Lock) -> None:
        self.context, self.network = context, network
        self.connections, self.lock = connections, lock
        self.turns = Semaphore(MOST_AT_ONCE)
        self.over = Event()
        self.said: queue.SimpleQueue[_Said] = queue.SimpleQueue()


def _by_repository(tasks: Tasks) -> list[dict[str, ModelTask]]:
    groups: dict[tuple[object, object], dict[str, ModelTask]] = {}
    for name, task in tasks.items():
        key = (task.request.location, task.source.studio)
        groups.setdefault(key, {})[name] = task
    return list(groups.values())


def _answers(tasks: Tasks, shared: _Shared) -> Iterator[tuple[str, Answer]]:
    deadline = shared.context.config.limits.deadline
    missing = set(tasks)
    while missing:
        deadline.check()
        try:
            said = shared.said.get(timeout=0.25)
        except queue.Empty:
            continue
        replay(said.lines, shared.context.platform)
        if not isinstance(said.answer, Answer) or _is_failure(said.answer, tasks[said.name]):
            with about(said.name):
                raise said.answer
        missing.remove(said.name)
        yield said.name, said.answer


def _is_failure(answer: Answer, task: ModelTask) -> TypeGuard[NoSuchModel]:
    """Return whether the model was not found, and that is to end the step."""
    return isinstance(answer, NoSuchModel) and task.request.if_not_found == "error"


def _run(group: Tasks, shared: _Shared) -> None:
    """Resolve the models of one repository, and keep it open until nobody needs it any more."""
    held = HeldPlatform(shared.context.platform, shared.lock)
    name = next(iter(group))
    with ExitStack() as stack:
        try:
            with shared.turns:
                for name, answer in _resolve(group, shared, held, stack):
                    shared.said.put(_Said(name, answer, held.take()))
                    if shared.over.is_set():
                        return
        except BaseException as error:
            shared.said.put(_Said(name, error, held.take()))
        shared.over.wait()


def _resolve(
    group: Tasks, shared: _Shared, held: HeldPlatform, stack: ExitStack
) -> Iterator[tuple[str, Answer]]:
    first = next(iter(group.values()))
    context = replace(shared.context, platform=held)
    try:
        scratch = stack.enter_context(scratch_folder(context.config.workspace))
        transfer = open_transfer(context, scratch, shared.network, connections=shared.connections)
        opened = open_source(
            first.request,
            first.source.studio,
            context,
            shared.network,
            stack.enter_context(transfer),
        )
        source = stack.enter_context(opened)
    except NoSuchModel as error:  # there is no such repository
        yield from ((name, error) for name in group)
        return
    for name, task in group.items():
        signature = task.delivery.signature if isinstance(task, Download) else None
        registry, policy = source.registry(task.request, signature)
        try:
            found = resolve(task.request, registry=registry, policy=policy, platform=held)
        except NoSuchModel as error:
            yield name, error
        else:
            yield name, Resolved(found, registry)
