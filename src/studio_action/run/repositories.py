"""Repositories that a run reads: opened, fetched, or a checkout that stands in for one."""

from __future__ import annotations

from pathlib import Path

from studio_action.errors import DeadlinePassed, Unreachable
from studio_action.gitrepo import checkout
from studio_action.gitrepo.git.credential import has_ssh_key
from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.git.repository import Repository
from studio_action.inputs.git_repository import RepositoryLocation
from studio_action.inputs.model_request import ModelRequest
from studio_action.model.repository_url import RepositoryUrl
from studio_action.net.clock import Deadline, Limits
from studio_action.net.network import Network
from studio_action.run.context import RunContext

TAGS_DEADLINE = 10.0
"""Seconds that reading the tags beside Studio may take; without them the version is not known."""


def open_repository(
    location: RepositoryLocation, context: RunContext, network: Network, scratch: Path
) -> Repository:
    """Open a repository; one that is named by its address is fetched into `scratch`."""
    git = git_program(location, context, network, context.config.limits)
    if isinstance(location, RepositoryUrl):
        url = fetch_url(location, git, context)
        return Repository.clone_from(url, git, scratch / "repository", default_branch=True)
    return checkout.open_repository(
        location,
        git,
        fetch=lambda address: open_repository(address, context, network, scratch),
        say=context.platform.info,
    )


def open_beside_studio(
    request: ModelRequest, context: RunContext, network: Network, scratch: Path
) -> Repository:
    """Open the repository that Studio's answer comes from, or a checkout that stands in for it.

    Where inputs require something of it, only the repository itself will do. Otherwise there is one
    attempt, of a few seconds.
    """
    location = request.location
    if request.is_held_to_policy:
        return open_repository(location, context, network, scratch)
    command_ends = context.config.limits.deadline
    git = git_program(location, context, network, _brief(context.config.limits))
    assert isinstance(location, RepositoryUrl)  # Studio knows no folders
    try:
        with checkout.fetch_or_stand_in(
            location,
            fetch_url(location, git, context),
            git,
            scratch=scratch / "tags",
            workspace=context.config.workspace.root,
        ) as found:
            return found.with_git(git_program(location, context, network, context.config.limits))
    except DeadlinePassed as error:
        command_ends.check()
        raise Unreachable(f"{location} did not answer in {TAGS_DEADLINE:g} s") from error


def fetch_origin(
    url: str, local: Repository, context: RunContext, network: Network, scratch: Path
) -> Repository:
    """Fetch the default branch of a checkout's origin: for a few seconds, if it has noted it."""
    limits = context.config.limits
    if local.default_branch() is not None:
        limits = _brief(limits)
    folder, url = scratch / "policy", url.removeprefix("file://")
    if Path(url).is_absolute():
        return Repository.clone_default_branch(
            url, git_program(Path(url), context, network, limits), folder
        )
    address = RepositoryUrl.parse(url)
    git = git_program(address, context, network, limits)
    try:
        return Repository.clone_default_branch(fetch_url(address, git, context), git, folder)
    except DeadlinePassed as error:
        context.config.limits.deadline.check()
        raise Unreachable(f"{address} did not answer in {TAGS_DEADLINE:g} s") from error


def _brief(limits: Limits) -> Limits:
    """Return limits for one attempt, of a few seconds."""
    return Limits(TAGS_DEADLINE, 0, Deadline(min(TAGS_DEADLINE, limits.deadline.remaining())))


def git_program(
    location: RepositoryLocation, context: RunContext, network: Network, limits: Limits
) -> Git:
    """Make the git program, with the credential for the repository's own server."""
    config, platform = context.config, context.platform
    credential = None
    if isinstance(location, RepositoryUrl):
        credential = config.git_access.credential(location)
    if credential:
        platform.mask(credential.password)
    return Git(network, limits, config.environ, platform.info, credential, context.processes)


def fetch_url(address: RepositoryUrl, git: Git, context: RunContext) -> str:
    """Return where to fetch from: with a token over https, else over ssh where there is a key."""
    over_ssh = git.credential is None and has_ssh_key(git.environ)
    return address.fetch_url(context.config.job.server, over_ssh=over_ssh)
