"""DVC Studio as a registry: its endpoints, and the one that our own server adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.gto.history import Prerelease
from studio_action.model.artifact import (
    ArtifactRef,
    AtStage,
    AtVersion,
    RemoteFile,
    Resolution,
    Selector,
)
from studio_action.model.digest import digest_in_url
from studio_action.net import signed_url
from studio_action.studio import api
from studio_action.studio.resolve import ResolvedDetails, read_details, resolve_query
from studio_action.studio.session import StudioSession


@dataclass(frozen=True, slots=True)
class StudioRegistry:
    """The models and projects of one Studio; implements `registries.base.Registry`.

    `mask` gets the secrets of an answer before anything else uses it.
    """

    session: StudioSession
    mask: Callable[[str], None]

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """Return the files of one model version; Studio does not name its version or commit."""
        answer = self.session.get(api.DOWNLOAD_URIS, api.download_uris_query(artifact, selector))
        urls = api.read_download_uris(answer, f"{selector} of {artifact}")
        self._mask(urls)
        return Resolution(
            artifact=artifact,
            selector=selector,
            source="studio",
            files=tuple(_remote_file(path, url) for path, url in sorted(urls.items())),
            version=selector.version if isinstance(selector, AtVersion) else "",
            stage=selector.stage if isinstance(selector, AtStage) else "",
        )

    def resolve_details(
        self, artifact: ArtifactRef, selector: Selector, prerelease: Prerelease
    ) -> ResolvedDetails | None:
        """Return the files with version, commit, sizes and digests, and the repository's policy.

        Return None if the server does not have this extension of the API.
        """
        query = resolve_query(artifact, selector, prerelease)
        self.session.token()  # a failure to get one says nothing about the extension
        try:
            answer = self.session.get(api.RESOLVE, query)
        except UnexpectedAnswer:  # where there is no such path, perhaps a login page elsewhere
            return None
        if not answer.extended and answer.status < 500:
            return None
        found = read_details(answer, artifact, selector)
        self._mask(found.resolution.urls)
        return found

    def create_project(self, project: api.NewProject) -> list[api.Project]:
        """Create the Studio project of a repository; return the projects that Studio lists."""
        answer = self.session.post(api.CREATE_PROJECT, project.body)
        return api.read_projects(answer, f"the project of {project.repo_url}")

    def _mask(self, urls: Mapping[str, str]) -> None:
        for secret in signed_url.secrets_to_mask(urls.values()):
            self.mask(secret)


def _remote_file(path: str, url: str) -> RemoteFile:
    return RemoteFile(path, url, digest=digest_in_url(url), expires=signed_url.expiry(url))
