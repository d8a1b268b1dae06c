"""The pages of versions: what a commit holds, for those who may read the repository."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from studio_action.errors import (
    BadInput,
    ContentMismatch,
    NoSuchModel,
    NotFound,
    StudioActionError,
    UnexpectedAnswer,
)
from studio_action.gitrepo.gto.history import Model, Version
from studio_action.gitrepo.gto.timeline import Event
from studio_action.gitrepo.locate.located import LocatedFile
from studio_action.model.artifact import ArtifactRef, AtVersion, ModelName, Resolution
from studio_action.server import links
from studio_action.server.api.addresses import base_url_of
from studio_action.server.api.threads import RepositoryThreads
from studio_action.server.links import Grant, ServedFile
from studio_action.server.registry.model_details import ModelDetails
from studio_action.server.services import Services
from studio_action.server.web import version_views, views
from studio_action.server.web.comparison import compare_files, compare_values
from studio_action.server.web.paging import Page, parse_page
from studio_action.server.web.project_pages import source_of
from studio_action.server.web.rendering import HEADERS
from studio_action.server.web.visitors import Visit, Visitors
from studio_action.text import printable

FILES = 100
"""The files on one page, and the changes of each kind on the page of a comparison."""
VALUES = 100
DOWNLOADS = 50
_LONGEST = 500

_FAULTS = (BadInput, ContentMismatch, NotFound, UnexpectedAnswer)
"""What is wrong at a commit or in its storage, and is said on the page."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model's version that a page is about; `events` are the model's, newest first."""

    visit: Visit
    model: Model
    version: Version
    events: Sequence[Event]

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.model.name)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a version holds; `problem` says why the files cannot be told."""

    details: ModelDetails
    root: str = ""
    files: Sequence[LocatedFile] = ()
    problem: str = ""

    @property
    def problems(self) -> Sequence[str]:
        """Return all that could not be read."""
        return [*([self.problem] if self.problem else []), *self.details.problems]


@dataclass(frozen=True, slots=True)
class VersionPages:
    """The pages below `version`, `compare`, `checksums` and `file`.

    What has to be fetched first is waited for in threads of the repository alone.
    """

    services: Services
    visitors: Visitors
    threads: RepositoryThreads

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/{page:path}/version", self.version),
            Route("/{page:path}/compare", self.compare),
            Route("/{page:path}/checksums", self.checksums),
            Route("/{page:path}/file", self.file),
        ]

    async def version(self, request: Request) -> Response:
        """Return the page of a version."""
        return await self._run(request, lambda visit: self._version(request, visit))

    async def compare(self, request: Request) -> Response:
        """Return what differs between two versions."""
        return await self._run(request, lambda visit: self._compare(request, visit))

    async def checksums(self, request: Request) -> Response:
        """Return the digests of a version's files as `md5sum --check` reads them."""
        return await self._run(request, lambda visit: self._checksums(request, visit))

    async def file(self, request: Request) -> Response:
        """Lead to a fresh URL of one file, and note that in the audit log."""
        return await self._run(request, lambda visit: self._file(request, visit))

    async def _run(self, request: Request, respond: Callable[[Visit], Response | None]) -> Response:
        """Return the response for whoever may read the repository; a 404 for None."""
        visit = await run_in_threadpool(self.visitors.reading_visit, request)
        if isinstance(visit, Response):
            return visit
        found = await self.threads.run(visit.repository, lambda: respond(visit))
        return found or self.visitors.not_found(visit.visitor)

    def _version(self, request: Request, visit: Visit) -> Response | None:
        chosen = self._choose(request, visit, "version")
        if chosen is None:
            return None
        contents = self._contents(chosen)
        source = source_of(request, self.services, visit.repository)
        number = parse_page(request.query_params.get("page", ""))
        return self.visitors.renderer.page(
            "version.html",
            visit.visitor,
            visit=visit,
            project=visit.project,
            source=source,
            model=chosen.name,
            version=views.view_version(chosen.model, chosen.version, chosen.events, source),
            contents=contents,
            said=contents.details.annotation,
            files=Page.of([*map(version_views.view_file, contents.files)], number, FILES),
            size=version_views.total_size(contents.files),
            values=contents.details.values,
            most=VALUES,
            commit=version_views.view_commit(contents.details.commit),
            card=version_views.view_card(contents.details.card),
            downloads=self._downloads(chosen) if visit.audits else None,
        )

    def _compare(self, request: Request, visit: Visit) -> Response | None:
        before = self._choose(request, visit, "from")
        after = self._choose(request, visit, "to")
        if before is None or after is None:
            return None
        old, new = self._contents(before), self._contents(after)
        files = compare_files(old.files, new.files)
        problems = [each.problem for each in (old, new) if each.problem]
        return self.visitors.renderer.page(
            "compare.html",
            visit.visitor,
            visit=visit,
            project=visit.project,
            model=before.name,
            names=[each.name for each in before.model.versions[: views.STAGES]],
            before=before.version,
            after=after.version,
            problems=problems,
            files=() if problems else files[:FILES],
            further_files=0 if problems else len(files[FILES:]),
            sizes=[version_views.total_size(each.files) for each in (old, new)],
            parameters=compare_values(old.details.values.parameters, new.details.values.parameters),
            metrics=compare_values(old.details.values.metrics, new.details.values.metrics),
            most=VALUES,
        )

    def _checksums(self, request: Request, visit: Visit) -> Response | None:
        chosen = self._choose(request, visit, "version")
        contents = self._contents(chosen) if chosen else None
        if contents is None or contents.problem:
            return None
        text = "".join(version_views.checksum_line(each) for each in contents.files)
        return PlainTextResponse(text, headers=HEADERS)

    def _file(self, request: Request, visit: Visit) -> Response | None:
        chosen, path = self._choose(request, visit, "version"), request.query_params.get("path", "")
        contents = self._contents(chosen) if chosen else None
        file = next((it for it in contents.files if it.path == path), None) if contents else None
        if file is None or chosen is None or visit.visitor is None:
            return None
        grant, base_url = (
            Grant(visit.visitor.id, visit.repository.name),
            base_url_of(request, self.services.settings),
        )

        def link(served: ServedFile) -> str:
            return links.sign(
                base_url, served, grant, self.services.keys.current(), self.services.utc()
            )

        try:
            (signed,) = self.services.models.signed(visit.repository, [file], link)
        except _FAULTS as error:
            return self._refused(visit, error)
        self._record(request, chosen)
        return RedirectResponse(signed.url, 303, HEADERS)

    def _refused(self, visit: Visit, error: StudioActionError) -> Response:
        """Return the page that says why there is no URL of a file."""
        text = printable(str(error), _LONGEST)
        return self.visitors.renderer.page(
            "failed.html",
            visit.visitor,
            status=409,
            reason="The file cannot be downloaded",
            text=text,
        )

    def _choose(self, request: Request, visit: Visit, field: str) -> Chosen | None:
        """Return the version that a field of the query names; None if there is none."""
        try:
            name = ModelName.parse(request.query_params.get("model", ""))
        except BadInput:
            return None
        catalogue = self.services.models.catalogue(visit.repository)
        model = catalogue.models.get(name)
        if model is None or not name.is_below(visit.project.subdir):
            return None
        version = model.at_version(request.query_params.get(field, ""))
        return Chosen(visit, model, version, catalogue.events[name]) if version else None

    def _contents(self, chosen: Chosen) -> Contents:
        models, repository = self.services.models, chosen.visit.repository
        name, revision = chosen.model.name, chosen.version.revision
        details = models.details(repository, name, revision)
        try:
            found = models.located(repository, name, revision)
        except NoSuchModel as error:
            return Contents(details, problem=printable(error.message, _LONGEST))
        except _FAULTS as error:
            return Contents(details, problem=printable(str(error), _LONGEST))
        return Contents(details, found.root, found.files)

    def _downloads(self, chosen: Chosen) -> Sequence[version_views.DownloadView]:
        """Return who was told of the version last."""
        entries = self.services.audit.newest(
            DOWNLOADS,
            repository=chosen.visit.repository.name,
            model=chosen.name,
            revision=chosen.version.revision,
        )
        return [*map(version_views.view_download, entries)]

    def _record(self, request: Request, chosen: Chosen) -> None:
        visit, version = chosen.visit, chosen.version
        assert visit.visitor is not None
        name = version.name if version.registered else ""
        resolution = Resolution(
            ArtifactRef(visit.repository.name, chosen.model.name),
            AtVersion(version.name),
            "git",
            (),
            version=name,
            tag=version.tag,
            revision=version.revision,
        )
        self.services.audit.record(request, visit.visitor, visit.repository.name, resolution)
