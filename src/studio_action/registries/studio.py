"""The registry that DVC Studio is: its two endpoints, as a client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio_action import api, signed_url
from studio_action.artifact import (
    ArtifactRef,
    AtStage,
    AtVersion,
    RemoteFile,
    Resolution,
    Selector,
)
from studio_action.digest import digest_in_url
from studio_action.session import StudioSession


@dataclass(frozen=True, slots=True)
class StudioRegistry:
    """Models and projects of one Studio; implements `registries.base.Registry`.

    `mask` hears the secrets that an answer holds before anything else sees it.
    """

    session: StudioSession
    mask: Callable[[str], None]

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """The files of one model version; Studio does not say which version or commit it is."""
        answer = self.session.get(api.DOWNLOAD_URIS, api.download_uris_query(artifact, selector))
        urls = api.read_download_uris(answer, f"the {selector} of {artifact}")
        for secret in signed_url.to_mask(urls.values()):
            self.mask(secret)
        return Resolution(
            artifact=artifact,
            selector=selector,
            source="studio",
            files=tuple(_remote_file(path, url) for path, url in sorted(urls.items())),
            version=selector.version if isinstance(selector, AtVersion) else "",
            stage=selector.stage if isinstance(selector, AtStage) else "",
        )

    def create_project(self, project: api.NewProject) -> list[api.Project]:
        """Create the Studio project of a repository."""
        answer = self.session.post(api.CREATE_PROJECT, project.body)
        return api.read_projects(answer, f"the project of {project.repo_url}")


def _remote_file(path: str, url: str) -> RemoteFile:
    return RemoteFile(path, url, digest=digest_in_url(url), expires=signed_url.expiry(url))
