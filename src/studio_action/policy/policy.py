"""What a request is held to, and the check of what it resolved to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from studio_action.errors import NotFound, PolicyRefused, TokenRefused
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.model.artifact import ModelName, RemoteFile, Resolution, Selector
from studio_action.policy.requirements import Requirements, merge
from studio_action.text import first_few, printable

if TYPE_CHECKING:
    from studio_action.gitrepo.signatures.requirement import TagSignature
    from studio_action.model.signed_tag import SignedTag
    from studio_action.policy.facts import Facts
    from studio_action.policy.rules import PolicyFile, Rule

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Applied:
    """The rules of one file that were about a request, which has fulfilled them."""

    file: PolicyFile
    rules: tuple[Rule, ...]

    @property
    def line(self) -> str:
        """Return them as a line for the log."""
        if not self.rules:
            return f"No rule of policy {self.file} matches this request"
        return f"Policy {self.summary}"

    @property
    def summary(self) -> str:
        """Return the file and the names of the rules."""
        names = first_few([rule.name for rule in self.rules], _SHOWN)
        return f"{self.file}: {printable(names, 500) or 'no rule'}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was required by inputs and rules together, and the rules.

    `signed_tags` says who signed the tags that decide, if rules require that.
    """

    applied: tuple[Applied, ...]
    required: Requirements
    signed_tags: tuple[SignedTag, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """What a version must fulfil before anything of it is downloaded.

    `required` is what inputs require, and `files` reads the policy files, once. `repository` opens
    the repository that the model is in, where something there must be read. `say` hears which rules
    there are. `verify_tag` returns who signed a tag; it raises `PolicyRefused` for nobody allowed.
    """

    required: Requirements
    files: Callable[[], Iterable[PolicyFile]]
    repository: Callable[[], Repository]
    utc: Callable[[], datetime]
    say: Callable[[str], None]
    verify_tag: Callable[[TagSignature, TagRef], SignedTag]

    def check(self, resolution: Resolution, files: Sequence[RemoteFile]) -> Outcome:
        """Return what `resolution`, of which `files` are wanted, fulfils.

        Raises `PolicyRefused` if it does not, `BadInput` for a policy file that is none,
        `Unreachable` and what else reading the repository raises.
        """
        found = self.about(resolution.artifact.model, resolution.selector)
        for each in found.applied:
            self.say(each.line)
        if not found.required:
            return found

        from studio_action.policy.check import check  # late: most requests are held to nothing

        facts = self._facts(found.required, resolution, files)
        try:
            check(found.required, facts)
        except PolicyRefused as error:
            raise _attributed(error, found.applied, facts) from error
        signed = (each for it in found.applied for each in self._signed(it, facts))
        return replace(found, signed_tags=tuple(dict.fromkeys(signed)))

    def _signed(self, applied: Applied, facts: Facts) -> Iterator[SignedTag]:
        for rule in applied.rules:
            for signature in rule.required.tag_signatures:
                for tag in facts.tags:
                    try:
                        signed = self.verify_tag(signature, tag)
                    except PolicyRefused as error:
                        raise _by(rule, applied, error) from error
                    self.say(f"Tag {printable(signed.tag, 200)} is signed by {signed}")
                    yield signed

    def about(self, model: ModelName, selector: Selector) -> Outcome:
        """Return what is required of a request; raise what reading policy files raises."""
        applied = tuple(
            Applied(file, tuple(file.applying(model, selector))) for file in self.files()
        )
        rules = [rule for each in applied for rule in each.rules]
        return Outcome(applied, merge([self.required, *(rule.required for rule in rules)]))

    def _facts(
        self, required: Requirements, resolution: Resolution, files: Sequence[RemoteFile]
    ) -> Facts:
        from studio_action.policy.gathering import gather

        try:
            return gather(required, resolution, files, self.utc().timestamp(), self.repository)
        except (NotFound, TokenRefused) as error:  # which is no reason to skip a run
            raise PolicyRefused(
                f"what is required of {resolution.artifact} cannot be checked: {error.message}",
                error.hint or "Give a git-token that may read the repository",
            ) from error


def _attributed(refusal: PolicyRefused, applied: Iterable[Applied], facts: Facts) -> PolicyRefused:
    """Return the refusal with the rule that alone says so; as it is if that is an input."""
    from studio_action.policy.check import refusals

    for each in applied:
        for rule in each.rules:
            if any(str(other) == str(refusal) for other in refusals(rule.required, facts)):
                return _by(rule, each, refusal)
    return refusal


def _by(rule: Rule, applied: Applied, refusal: PolicyRefused) -> PolicyRefused:
    """Return the refusal, with the rule that it is by."""
    by = f"rule {rule.name!r} of {applied.file}"
    return PolicyRefused(f"{refusal.message} ({by})", refusal.hint)
