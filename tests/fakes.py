"""Honest implementers of the seams, for tests of what stands above them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from studio_action.download.base import Fetched, Progress, Renew
from studio_action.errors import NoSuchModel
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.signatures.requirement import TagSignature
from studio_action.model.artifact import ArtifactRef, AtStage, RemoteFile, Resolution, Selector
from studio_action.model.digest import Digest
from studio_action.model.signed_tag import SignedTag
from studio_action.net.clock import Clock
from studio_action.policy.policy import Policy
from studio_action.policy.requirements import Requirements


class Time:
    """A clock that only moves when somebody waits; `waits` are those so far, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(round(seconds, 3))
        self.now += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.sleep)


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@dataclass
class MemoryRegistry:
    """A registry of one model version; its storage is `addressed` by content, or not."""

    contents: Mapping[str, bytes]
    addressed: bool = True
    missing: bool = False
    executable: str = ""
    failure: Exception | None = None
    asked: list[tuple[ArtifactRef, Selector]] = field(default_factory=list)
    resolved: Mapping[str, str] = field(default_factory=dict)

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        self.asked.append((artifact, selector))
        if self.failure:
            raise self.failure
        if self.missing:
            raise NoSuchModel(f"no {selector} of {artifact}")
        files = tuple(
            RemoteFile(
                path,
                f"https://storage.example.org/{len(self.asked)}/{path}?X-Amz-Signature=5ec2e7",
                digest=Digest("md5", md5(content)) if self.addressed else None,
                executable=path == self.executable,
            )
            for path, content in sorted(self.contents.items())
        )
        stage = selector.stage if isinstance(selector, AtStage) else ""
        return Resolution(artifact, selector, "studio", files, stage=stage, **self.resolved)


@dataclass
class MemoryDownloader:
    """Brings files out of memory, into a folder of partial files."""

    contents: Mapping[str, bytes]
    folder: Path
    fetched: list[str] = field(default_factory=list)
    failure: BaseException | None = None

    def fetch(
        self, files: Sequence[RemoteFile], *, renew: Renew, progress: Progress
    ) -> list[Fetched]:
        self.folder.mkdir(parents=True, exist_ok=True)
        return [self._bring(number, file) for number, file in enumerate(files)]

    def _bring(self, number: int, file: RemoteFile) -> Fetched:
        if self.failure:
            raise self.failure
        content = self.contents[file.path]
        partial = self.folder / str(number)
        partial.write_bytes(content)
        self.fetched.append(file.path)
        sha256 = hashlib.sha256(content).hexdigest()
        how = "md5" if file.digest else "length"
        return Fetched(file, partial, len(content), md5(content), sha256, how, len(content))  # type: ignore[arg-type]


@dataclass
class RecordingPlatform:
    """Keeps what it is told."""

    name: str = "a test"
    lines: list[tuple[str, str]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)

    def mask(self, secret: str) -> None:
        self.secrets.append(secret)

    def hide(self, text: str) -> str:
        return text

    def debug(self, text: str) -> None:
        self.lines.append(("debug", text))

    def info(self, text: str) -> None:
        self.lines.append(("info", text))

    def warning(self, text: str) -> None:
        self.lines.append(("warning", text))

    def error(self, text: str) -> None:
        self.lines.append(("error", text))

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        self.lines.append(("group", title))
        yield

    def describe(self, details: Mapping[str, str]) -> None:
        self.lines.extend(("detail", f"{name} {text}") for name, text in details.items())

    def publish(self, outputs: Mapping[str, str], prefix: str) -> None:
        self.outputs = dict(outputs)

    def summarize(self, markdown: str) -> None:
        self.lines.append(("summary", markdown))

    def link(self, label: str, url: str) -> None:
        self.lines.append(("link", f"{label} {url}"))


class Silence:
    """Progress that nobody watches."""

    def expect(self, size: int) -> None: ...

    def advance(self, size: int) -> None: ...

    def stall(self, slowest: Sequence[str]) -> None: ...

    def finish(self) -> None: ...


def _no_repository() -> Repository:
    raise AssertionError("no repository is to be read")


def _no_tag(requirement: TagSignature, tag: TagRef) -> SignedTag:
    raise AssertionError("no tag is to be verified")


def _utc() -> datetime:
    return datetime(2026, 3, 1, tzinfo=timezone.utc)


NO_POLICY = Policy(Requirements(), list, _no_repository, _utc, print, _no_tag)
"""What asks for nothing."""
