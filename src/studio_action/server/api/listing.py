"""Makes the API's documents of models and versions. Pure.

People's names and warnings come from tags, so anybody may have written them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studio_action.gitrepo.gto.history import Model, Version
from studio_action.gitrepo.gto.timeline import Event
from studio_action.model.artifact import Resolution
from studio_action.model.tagging import Tagging
from studio_action.server.api.documents import (
    AssignedStage,
    ListedModel,
    ListedModels,
    Policy,
    RegisteredVersion,
    Resolved,
    ResolvedFile,
    Tagged,
)
from studio_action.server.registry.models import Catalogue
from studio_action.studio.resolve import CommittedPolicy
from studio_action.text import printable


def resolved(repository: str, found: Resolution, policy: CommittedPolicy | None) -> Resolved:
    """Return the document of a resolved version of the named `repository`, which has a policy."""
    return Resolved(
        repo=repository,
        name=str(found.artifact.model),
        version=found.version,
        stage=found.stage,
        tag=found.tag,
        revision=found.revision,
        previous_version=found.previous_version,
        path=found.root or "",
        registered=_tagged(found.registered),
        assigned=_tagged(found.assigned),
        files=[
            ResolvedFile(
                path=file.path,
                url=file.url,
                size=file.size,
                digest=str(file.digest) if file.digest else None,
                executable=file.executable,
            )
            for file in found.files
        ],
        policy=Policy(revision=policy.revision, text=policy.text) if policy else None,
    )


def _tagged(tagging: Tagging | None) -> Tagged | None:
    if tagging is None:
        return None
    return Tagged(tag=tagging.tag, tagger=printable(tagging.tagger, 200), when=tagging.when)


def listed(repository: str, catalogue: Catalogue) -> ListedModels:
    """Return the document of all models of the named `repository`."""
    return ListedModels(
        repo=repository,
        refreshed=catalogue.refreshed,
        models=[
            _listed_model(catalogue.models[name], catalogue.events.get(name, ()))
            for name in sorted(catalogue.models, key=str)
        ],
    )


def _listed_model(model: Model, events: Sequence[Event]) -> ListedModel:
    by_tag = {event.tag: event for event in events}
    held = {stage: holders[0] for stage, holders in sorted(model.stages.items()) if holders}
    stages_of: dict[str, list[str]] = {}
    for stage, holder in held.items():
        stages_of.setdefault(holder.name, []).append(stage)
    return ListedModel(
        name=str(model.name),
        deprecated=model.deprecated,
        warnings=[printable(warning) for warning in model.warnings],
        versions=[
            RegisteredVersion(
                version=version.name,
                revision=version.revision,
                tag=version.tag,
                registered_at=by_tag[version.tag].when,
                registered_by=printable(by_tag[version.tag].by),
                stages=stages_of.get(version.name, []),
            )
            for version in model.versions
            if version.registered
        ],
        stages=_assigned_stages(held, events),
    )


def _assigned_stages(held: Mapping[str, Version], events: Sequence[Event]) -> list[AssignedStage]:
    """Return the stages, each with the newest tag that assigns it to its holder's commit."""
    newest = {
        (event.stage, event.revision): event for event in events[::-1] if event.kind == "assigned"
    }
    return [
        _assigned(stage, holder, newest[stage, holder.revision]) for stage, holder in held.items()
    ]


def _assigned(stage: str, holder: Version, event: Event) -> AssignedStage:
    return AssignedStage(
        stage=stage,
        version=holder.name if holder.registered else "",
        revision=holder.revision,
        assigned_at=event.when,
        assigned_by=printable(event.by),
    )
