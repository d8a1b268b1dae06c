"""The registry that a model is requested from, put together: Studio, or the Git repository itself.

What only one source needs is imported when that source is used, so that a step starts faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from studio_action.download.base import Downloader
from studio_action.errors import BadInput
from studio_action.gitrepo import checkout
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history
from studio_action.gitrepo.gto.history import Model, Prerelease
from studio_action.inputs.git_repository import RepositoryLocation
from studio_action.inputs.model_request import ModelRequest
from studio_action.inputs.studio import Studio
from studio_action.model.artifact import ModelName
from studio_action.model.repository_url import RepositoryUrl
from studio_action.net.network import Network
from studio_action.policy.policy import Policy
from studio_action.policy.requirements import Requirements
from studio_action.registries.base import Registry
from studio_action.registries.pinned import PinnedRegistry
from studio_action.run.context import RunContext
from studio_action.run.policies import beside_studio, of_git, of_server
from studio_action.run.repositories import (
    fetch_origin,
    fetch_url,
    git_program,
    open_beside_studio,
    open_repository,
)
from studio_action.run.shared_repository import SharedRepository
from studio_action.run.tag_signatures import TagVerifiers, signed_registry
from studio_action.run.wiring import open_studio, open_transfer, scratch_folder, trusted_root

if TYPE_CHECKING:
    from studio_action.gitrepo.locate.context import ResolveContext
    from studio_action.gitrepo.signatures.requirement import TagSignature
    from studio_action.model.signed_tag import SignedTag
    from studio_action.policy.rules import PolicyFile
    from studio_action.signature.policy import SignaturePolicy


@dataclass(frozen=True, slots=True)
class Source:
    """One repository that models are requested from, opened: by Studio or, without it, by Git.

    `registry` makes the registry of one request of it, and the policy that the request is held to;
    with signatures to look for, it finds those that lie beside models. `models` reads the tags.
    """

    registry: Callable[[ModelRequest, SignaturePolicy | None], tuple[Registry, Policy]]
    models: Callable[[], Mapping[ModelName, Model]]


@contextmanager
def open_registry(
    request: ModelRequest,
    studio: Studio | None,
    context: RunContext,
    network: Network,
    downloader: Downloader | None = None,
    signatures: SignaturePolicy | None = None,
) -> Iterator[tuple[Registry, Policy]]:
    """Make the registry of `studio` or, without one, of the Git repository; and the policy."""
    with open_source(request, studio, context, network, downloader) as source:
        yield source.registry(request, signatures)


@contextmanager
def open_source(
    request: ModelRequest,
    studio: Studio | None,
    context: RunContext,
    network: Network,
    downloader: Downloader | None = None,
) -> Iterator[Source]:
    """Open the repository of `request`, for it and for others that differ in the model alone.

    Git's needs a `downloader`, which brings folders' manifests.
    """
    with ExitStack() as stack:
        scratch = stack.enter_context(scratch_folder(context.config.workspace))
        if studio is not None:
            yield stack.enter_context(_open_studio(request, studio, context, network, scratch))
            return
        if downloader is None:
            downloader = stack.enter_context(open_transfer(context, scratch, network))
        yield stack.enter_context(_open_git(request, context, network, downloader, scratch))


def resolve_context(
    location: RepositoryLocation,
    context: RunContext,
    network: Network,
    downloader: Downloader,
    scratch: Path,
    say: Callable[[str], None] | None = None,
) -> ResolveContext:
    """Make what a Git registry needs besides the repository; `say` hears what it has to warn of."""
    from studio_action.gitrepo.locate.context import ResolveContext
    from studio_action.gitrepo.locate.import_repositories import ImportRepositories
    from studio_action.gitrepo.remotes.identity import Identity
    from studio_action.gitrepo.remotes.opening import StorageRemotes

    files = scratch / "files"
    files.mkdir()
    environ = context.config.environ
    here = location if isinstance(location, Path) else context.config.workspace.root
    ours = isinstance(location, Path) or checkout.is_checkout_of(location, here, environ)
    home = _address(location, environ)
    git = git_program(home or here, context, network, context.config.limits)
    url = fetch_url(home, git, context) if home else ""
    return ResolveContext(
        open_remote=StorageRemotes(network, Identity(environ), context.filesystems),
        downloader=downloader,
        scratch=files,
        environ=environ,
        checkout=here if ours else None,
        utc=_utc,
        say=say or context.platform.warning,
        open_import=ImportRepositories(git, url, scratch / "imports").open,
    )


def _address(location: RepositoryLocation, environ: Mapping[str, str]) -> RepositoryUrl | None:
    """Return the address of a repository: of one in a folder, where it came from, if it says so."""
    if isinstance(location, RepositoryUrl):
        return location
    try:
        return RepositoryUrl.parse(checkout.origin(location, environ))
    except BadInput:
        return None


@contextmanager
def _open_git(
    opening: ModelRequest,
    context: RunContext,
    network: Network,
    downloader: Downloader,
    scratch: Path,
) -> Iterator[Source]:
    from studio_action.registries.git import GitRegistry

    shared = SharedRepository(lambda: open_repository(opening.location, context, network, scratch))
    verify_tag = _tag_verifiers(opening, context, network, scratch, shared)
    check_tags = verify_tag.check(opening.tag_signature)
    with shared() as repository:
        resolving = resolve_context(opening.location, context, network, downloader, scratch)
        models = cache(lambda: history.read(repository.tags()))
        committed = cache(
            lambda: committed_policy(repository, opening.folder, context, network, scratch)
        )

        def registry(
            request: ModelRequest, signatures: SignaturePolicy | None
        ) -> tuple[Registry, Policy]:
            policy = _policy(request, context, shared, verify_tag, committed)
            required = policy.about(request.artifact.model, request.selector).required
            found = GitRegistry(
                repository,
                resolving,
                _prerelease(request.prerelease, required),
                context.platform.mask,
                context.platform.warning,
                signatures=(*([signatures] if signatures else []), *required.signatures),
                check_tags=check_tags,
                read_models=models,
            )
            return found, policy

        yield Source(registry, models)


@contextmanager
def _open_studio(
    opening: ModelRequest, studio: Studio, context: RunContext, network: Network, scratch: Path
) -> Iterator[Source]:
    """Open Studio; its own answer, where it has our extension, or the tags name the version."""
    say = context.platform.info
    shared = SharedRepository(lambda: open_beside_studio(opening, context, network, scratch))
    verify_tag = _tag_verifiers(opening, context, network, scratch, shared)
    check_tags = verify_tag.check(opening.tag_signature)
    models = cache(lambda: history.read(shared().tags()))
    with open_studio(studio, context, network) as registry, closing(shared):

        @cache
        def committed() -> list[PolicyFile]:
            return beside_studio(shared, say, required=opening.is_held_to_policy)

        def of_request(request: ModelRequest, _: SignaturePolicy | None) -> tuple[Registry, Policy]:
            policy = _policy(request, context, shared, verify_tag, committed)
            if check_tags is not None:
                return signed_registry(registry, check_tags, request, studio, models, say), policy
            pinned = PinnedRegistry(registry, models, request.prerelease, say)
            if not studio.is_self_hosted:
                return pinned, policy
            from studio_action.registries.extended import ExtendedStudioRegistry

            extended = ExtendedStudioRegistry(registry, pinned, request.prerelease, say)

            def told() -> list[PolicyFile]:
                if extended.policy is None or request.is_held_to_policy:
                    return committed()
                return of_server(extended.policy)

            return extended, _policy(request, context, shared, verify_tag, told)

        yield Source(of_request, models)


def _prerelease(given: Prerelease, required: Requirements) -> Prerelease:
    """Return which pre-releases count: none, where the policy refuses them anyway."""
    return "exclude" if required.released and given == "include" else given


def _policy(
    request: ModelRequest,
    context: RunContext,
    repository: Callable[[], Repository],
    verify_tag: Callable[[TagSignature, TagRef], SignedTag],
    committed: Callable[[], Iterable[PolicyFile]],
) -> Policy:
    named = [request.policy_file] if request.policy_file else []
    return Policy(
        request.required,
        cache(lambda: (*committed(), *named)),
        repository,
        _utc,
        context.platform.info,
        verify_tag,
    )


def committed_policy(
    repository: Repository,
    folder: Path | None,
    context: RunContext,
    network: Network,
    scratch: Path,
) -> list[PolicyFile]:
    """Return the policy of a repository that is open, in `folder` if it is a checkout."""
    return of_git(
        repository,
        folder,
        lambda url: fetch_origin(url, repository, context, network, scratch),
        context.platform.info,
    )


def _utc() -> datetime:
    return datetime.now(timezone.utc)


def _tag_verifiers(
    request: ModelRequest,
    context: RunContext,
    network: Network,
    scratch: Path,
    repository: Callable[[], Repository],
) -> TagVerifiers:
    """Make what says who signed a tag of the repository."""
    return TagVerifiers(
        lambda: git_program(request.location, context, network, context.config.limits),
        repository,
        partial(trusted_root, context, network),
        scratch,
    )
