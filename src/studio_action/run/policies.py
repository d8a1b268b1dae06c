"""The policy of a repository's default branch, from wherever a run can read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from studio_action.errors import DeadlinePassed, PolicyRefused, StudioActionError, Unreachable
from studio_action.gitrepo import checkout
from studio_action.gitrepo.git.repository import Repository
from studio_action.policy.reading import NAME, parse, read_committed
from studio_action.studio.resolve import CommittedPolicy

if TYPE_CHECKING:
    from studio_action.gitrepo.git.revision import Revision
    from studio_action.policy.rules import PolicyFile


def of_git(
    repository: Repository,
    folder: Path | None,
    fetch: Callable[[str], Repository],
    say: Callable[[str], None],
) -> list[PolicyFile]:
    """Return the policy of a repository that is open, none if it has none.

    Of a checkout in `folder` it is that of its `origin`, which `fetch` gets, because what is
    checked out may be a pull request's. Raises `PolicyRefused` where it cannot be known.
    """
    with _default_branch(repository, folder, fetch, say) as revision:
        if revision is None:
            say(f"The repository has no default branch, so it has no {NAME}")
            return []
        found = read_committed(revision)
    return [found] if found else []


@contextmanager
def _default_branch(
    repository: Repository,
    folder: Path | None,
    fetch: Callable[[str], Repository],
    say: Callable[[str], None],
) -> Iterator[Revision | None]:
    url = checkout.origin(folder, repository.environ) if folder and not repository.url else ""
    if not url:
        yield repository.default_branch()
        return
    with ExitStack() as stack:
        try:
            there = stack.enter_context(fetch(url))
        except DeadlinePassed:
            raise
        except StudioActionError as error:
            yield _noted(repository, error, say)
        else:
            yield there.default_branch()


def _noted(
    repository: Repository, error: StudioActionError, say: Callable[[str], None]
) -> Revision:
    """Return the default branch as a checkout has it, where its `origin` cannot be read."""
    noted = repository.default_branch()
    if noted is None:
        raise PolicyRefused(
            f"the policy of the repository is not known: {error.message}",
            "Give a git-token that reads its origin, or run `git remote set-head origin --auto`"
            " in the checkout",
        ) from error
    say(f"{error.message}: {NAME} is read at {noted.revision[:7]}, as the checkout has it")
    return noted


def of_server(told: CommittedPolicy) -> list[PolicyFile]:
    """Return the policy that a server says its repository has; raise `BadInput` if it is none."""
    if not told.text:
        return []
    return [parse(told.text.encode("utf-8", "surrogatepass"), NAME, told.revision)]


def beside_studio(
    open_repository: Callable[[], Repository], say: Callable[[str], None], *, required: bool
) -> list[PolicyFile]:
    """Return the policy of the repository that Studio's answer comes from, none if it has none.

    Where it cannot be read, it does not count, unless it is `required`: then that is refused.
    """
    try:
        revision = open_repository().default_branch()
        if revision is None:
            raise Unreachable("its default branch is not known")
    except DeadlinePassed:
        raise
    except StudioActionError as error:
        if required:
            raise PolicyRefused(
                f"the policy of the repository cannot be read: {error.message}",
                "Give a git-token that may read the repository",
            ) from error
        say(f"A policy of the repository ({NAME}), if any, is not applied: {error.message}")
        return []
    found = read_committed(revision)
    return [found] if found else []
