"""Who answers a question: the registry that its source is, put together.

What only one source needs is imported when that source is asked, so that a step starts faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from studio_action import settings
from studio_action.download.base import Downloader
from studio_action.network import Network
from studio_action.question import Question
from studio_action.registries.base import Registry
from studio_action.registries.pinned import PinnedRegistry
from studio_action.step import Step


@contextmanager
def registry_for(
    question: Question, step: Step, network: Network, downloader: Downloader | None = None
) -> Iterator[Registry]:
    """Who answers the question; with source `git` a `downloader` brings folders' manifests."""
    with ExitStack() as stack:
        scratch = stack.enter_context(step.scratch())
        if question.source == "studio":
            registry = stack.enter_context(_studio(question, step, network, scratch))
        else:
            if downloader is None:
                downloader = stack.enter_context(step.transfer(scratch, network))
            registry = stack.enter_context(_git(question, step, network, downloader, scratch))
        yield _guarded(registry, question, step, network, scratch) if question.branch else registry


@contextmanager
def _git(
    question: Question, step: Step, network: Network, downloader: Downloader, scratch: Path
) -> Iterator[Registry]:
    from studio_action.registries.git import GitRegistry

    with step.repository(question.place, network, scratch) as repository:
        yield GitRegistry(
            repository,
            step.surroundings(question.place, network, downloader, scratch),
            question.prerelease,
            step.platform.mask,
            step.platform.info,
        )


@contextmanager
def _studio(question: Question, step: Step, network: Network, scratch: Path) -> Iterator[Registry]:
    """Studio, whose versions the tags tell; a server of one's own may tell them itself."""
    say = step.platform.info
    with step.studio(network) as studio:
        pinned = PinnedRegistry(
            studio,
            lambda: step.models(question.place, network, scratch),
            question.prerelease,
            say,
        )
        if not settings.read_studio(step.inputs, step.job).own:
            yield pinned
            return
        from studio_action.registries.telling import TellingRegistry

        yield TellingRegistry(studio, pinned, question.prerelease, say)


def _guarded(
    registry: Registry, question: Question, step: Step, network: Network, scratch: Path
) -> Registry:
    from studio_action.registries.guarded import GuardedRegistry

    return GuardedRegistry(
        registry,
        question.branch,
        lambda: step.repository(question.place, network, scratch / "branch"),
    )
