"""`promote` and `rollback`: make the tag that `gto assign` would make."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from studio_action.errors import BadInput, PolicyRefused, StudioActionError
from studio_action.gitrepo.git.person import PersonalGit, explained
from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import promotion
from studio_action.gitrepo.gto.deciding import deciding_tags
from studio_action.gitrepo.gto.promotion import Promotion
from studio_action.inputs.config import Examine, RunConfig
from studio_action.model.artifact import ArtifactRef, AtStage, AtVersion, ModelName, Resolution
from studio_action.policy.check import refusals
from studio_action.policy.facts import Facts
from studio_action.policy.gathering import gather
from studio_action.policy.requirements import Requirements
from studio_action.policy.rules import PolicyFile
from studio_action.run.context import RunContext
from studio_action.run.repositories import git_program
from studio_action.run.sources import committed_policy
from studio_action.run.wiring import open_network, scratch_folder

Outputs = dict[str, str]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be promoted; without a `version`, the one that held the stage before.

    `remote` is the name of the checkout's remote. `sign` asks for a signature; git's configuration
    may, as well.
    """

    model: ModelName
    stage: str
    version: str
    remote: str = "origin"
    dry_run: bool = False
    push: bool = False
    sign: bool = False


def read_wish(model: str, stage: str, version: str, remote: str) -> Wish:
    """Read what is named; raise `BadInput` for names that none can have."""
    if remote.startswith("-"):
        raise BadInput(f"remote {remote!r} is not the name of a remote")
    registered = AtVersion.parse(version).version if version else ""
    return Wish(ModelName.parse(model), AtStage.parse(stage).stage, registered, remote)


def run(wish: Wish, config: RunConfig, context: RunContext, now: Callable[[], float]) -> Outputs:
    """Make the tag, or say which; return what was done, by name.

    Raises `NoSuchModel` for what is not registered, `PolicyRefused` where the policy of the
    repository refuses it, `Unreachable` if somebody else was faster.
    """
    assert isinstance(config.task, Examine)
    folder = config.task.location
    if not isinstance(folder, Path):
        raise BadInput(
            f"{folder} is not a checkout; a tag can be made only in a checkout",
            "Run this in a checkout of the repository, or name its folder with --repo",
        )
    with open_network(context) as network, scratch_folder(config.workspace) as scratch:
        git = git_program(folder, context, network, config.limits)
        person = PersonalGit(scratch / "tagging", folder, config.limits, config.environ)
        person.folder.mkdir()
        with Repository.open(folder, git) as repository:
            refs, url = _all_tags(wish, repository, person, git, context)
            planned = _planned(wish, refs)
            made = planned.made(int(now()), person.setting("user.email"))
            promotion.check_effect(refs, planned, made)
            _check_commit(planned, repository, git)
            signed = wish.sign or person.setting("tag.gpgsign") in ("true", "yes", "on", "1")
            rules = committed_policy(repository, folder, context, network, scratch)
            _check_policy(planned, made, refs, rules, repository, signed=signed, context=context)
            _say_plan(planned, context, rolls_back=planned.is_roll_back)
            if not wish.dry_run:
                _make(wish, planned, made, person, repository, git, url, context)
    return _outputs(planned, wish)


def _all_tags(
    wish: Wish, repository: Repository, person: PersonalGit, git: Git, context: RunContext
) -> tuple[list[TagRef], str]:
    """Return the tags of the checkout and of its remote, and where that is; '' for none."""
    person.prepare()
    url = person.push_url(wish.remote)
    tags = {ref.short_name: ref for ref in repository.tags()}
    if not url:
        if wish.push:
            raise BadInput(f"the checkout has no remote {wish.remote!r} to push to")
        context.platform.info("No remote configured; using local tags only")
        return list(tags.values()), ""
    try:
        person.fetch_tags(url)
    except StudioActionError as error:
        if wish.push:
            raise
        context.platform.warning(f"Tags of {wish.remote} cannot be read: {error.message}")
        return list(tags.values()), url
    with Repository.open(person.folder, git) as remote:
        tags |= {ref.short_name: ref for ref in remote.tags()}
    return list(tags.values()), url


def _planned(wish: Wish, refs: list[TagRef]) -> Promotion:
    if wish.version:
        return promotion.promote(refs, wish.model, wish.stage, wish.version)
    return promotion.roll_back(refs, wish.model, wish.stage)


def _check_commit(planned: Promotion, repository: Repository, git: Git) -> None:
    revision = planned.version.revision
    if not git.succeeds(repository.folder, "cat-file", "-e", f"{revision}^{{commit}}"):
        raise BadInput(
            f"commit {revision[:7]} of {planned.version.name} is not in the checkout",
            "Run `git fetch --tags`",
        )


def _check_policy(
    planned: Promotion,
    made: TagRef,
    refs: Iterable[TagRef],
    files: Iterable[PolicyFile],
    repository: Repository,
    *,
    signed: bool,
    context: RunContext,
) -> None:
    """Raise `PolicyRefused` for what a rule about the stage refuses, as far as tags can tell.

    Sizes, digests and signatures of the files are checked by the download.
    """
    selector = AtStage(planned.stage)
    resolution = Resolution(
        ArtifactRef(str(repository.folder), planned.model),
        selector,
        "git",
        (),
        version=planned.version.name,
        stage=planned.stage,
        tag=planned.version.tag,
        revision=planned.version.revision,
        root="",
    )
    deciding = deciding_tags([*refs, made], resolution)
    for file in files:
        for rule in file.applying(planned.model, selector):
            required = replace(rule.required, digests=False, max_size=None)
            facts = gather(required, resolution, (), float(made.when), lambda: repository)
            facts = replace(facts, tags=deciding if required.of_tags else ())
            for refusal in _refusals(required, facts, planned, signed=signed):
                raise PolicyRefused(
                    f"{refusal.message} (rule {rule.name!r} of {file})", refusal.hint
                )
            if required.rollback == "warn" and planned.is_roll_back:
                context.platform.warning(f"{_way(planned)} is a roll-back (rule {rule.name!r})")


def _refusals(
    required: Requirements, facts: Facts, planned: Promotion, *, signed: bool
) -> Iterable[PolicyRefused]:
    yield from refusals(required, facts)
    if required.rollback == "refuse" and planned.is_roll_back:
        yield PolicyRefused(
            f"{_way(planned)} is a roll-back, which the policy refuses",
            "Change the policy on the default branch first, if this has to be",
        )
    if required.tag_signatures and not signed:
        yield PolicyRefused(
            f"the policy requires a signed tag for stage {planned.stage}",
            "Give --sign, or set `git config tag.gpgSign true`",
        )


def _way(planned: Promotion) -> str:
    before = planned.before.name if planned.before else "nobody"
    return f"{before} -> {planned.version.name}"


def _say_plan(planned: Promotion, context: RunContext, *, rolls_back: bool) -> None:
    what = f"{planned.model}: stage {planned.stage}, {_way(planned)}"
    context.platform.info(what + (" (roll-back)" if rolls_back else ""))
    context.platform.info(f"Tag {planned.tag} at {planned.version.revision[:7]}")


def _make(
    wish: Wish,
    planned: Promotion,
    made: TagRef,
    person: PersonalGit,
    repository: Repository,
    git: Git,
    url: str,
    context: RunContext,
) -> None:
    """Make the tag aside, push it if that is wished, and only then put it into the checkout."""
    person.tag(planned.tag, planned.version.revision, planned.message, made.when, sign=wish.sign)
    if wish.push:
        with explained(f"stage {planned.stage} is unchanged"):
            person.push(url, planned.tag)
        context.platform.info(f"Pushed to {wish.remote}")
    content = git.run_local(person.folder, "cat-file", "tag", planned.tag)
    stored = git.completed(
        repository.folder, "hash-object", "-t", "tag", "-w", "--stdin", stdin=content
    )
    name = stored.stdout.decode().strip()
    ref = f"refs/tags/{planned.tag}"
    if not git.succeeds(repository.folder, "update-ref", ref, name, "0" * 40):
        raise BadInput(
            f"tag {planned.tag} exists in the checkout, or cannot be written there",
            "Fetch the tags, and run the command again",
        )
    if not wish.push:
        context.platform.info(f"Not pushed yet: git push {wish.remote} {ref}")


def _outputs(planned: Promotion, wish: Wish) -> Outputs:
    return {
        "model": str(planned.model),
        "stage": planned.stage,
        "version": planned.version.name,
        "previous-version": planned.before.name if planned.before else "",
        "revision": planned.version.revision,
        "tag": planned.tag,
        "made": str(not wish.dry_run).lower(),
        "pushed": str(wish.push and not wish.dry_run).lower(),
    }
