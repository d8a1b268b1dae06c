"""A Git repository, as far as a registry reads one: tags with their dates, files at a revision.

A checkout is read where it is and never changed. Of a remote repository the tags, their commits
and trees are fetched into a bare one of our own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from studio_action.errors import BadInput, ObjectMissing, UnexpectedAnswer
from studio_action.gitrepo.git.failures import UnadvertisedObject
from studio_action.gitrepo.git.objects import EVERYTHING, FETCH, Objects
from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.text import human_size, printable

if TYPE_CHECKING:
    from studio_action.gitrepo.git.revision import Revision

_TAG_FIELDS = (
    "refname",
    "objecttype",
    "objectname",
    "*objecttype",
    "*objectname",
    "objectsize",
    "taggerdate:unix",
    "taggeremail",
    "taggername",
)
_LONGEST_TAGGER = 200
_LONGEST_EMAIL = 254
"""Characters: no address is longer (RFC 5321, 4.5.3.1.3). A longer one counts as none."""
_LARGEST_TAG = 1 << 20
_MOST_TAGS = 200_000
_LARGEST_LIST = 64 << 20
"""Bytes that are told of all tags; of each it is some 150."""

_TAGS = "refs/tags/"
_HEAD = "refs/remote-head/HEAD"
"""What a repository of our own knows of the other's `HEAD`: the commit of its default branch."""
_FETCH_HEAD = "+HEA*:refs/remote-head/HEA*"
"""With a star, that there is none is no failure."""
REFS = ("+refs/tags/*:refs/tags/*", _FETCH_HEAD)
"""What names all tags and the default branch."""


class Repository:
    """One repository, open for reading; use it as a context manager.

    `url` is where what `folder` lacks comes from; empty for a checkout, which has all or nothing.
    `objects` are those of a folder that several are open on.
    """

    def __init__(
        self, folder: Path, git: Git, url: str = "", *, objects: Objects | None = None
    ) -> None:
        self.folder, self.url = folder, url
        self._git = git
        self._fetched_refs: list[list[str]] | None = None
        """The references of a repository that was fetched just now, and will not be again."""
        self._just_fetched = False
        self._objects = objects or Objects(folder, git, url)

    @classmethod
    def open(cls, folder: Path, git: Git) -> Repository:
        """Return the repository that is at `folder` already; raise `BadInput` if there is none."""
        if not folder.is_dir() or not git.succeeds(folder, "rev-parse", "--git-dir"):
            raise BadInput(
                f"there is no Git repository at {printable(str(folder), 300)!r}",
                "Give the folder of a checkout, or the repository's address",
            )
        return cls(folder, git)

    @classmethod
    def clone_from(
        cls,
        url: str,
        git: Git,
        folder: Path,
        *,
        default_branch: bool = False,
        durable: bool = False,
    ) -> Repository:
        """Return the repository at `url`, its tags fetched into `folder`, which is empty or kept
        for it, and its default branch if asked for.

        `durable`: what is fetched is to be there after a power failure, too.
        Raises what `Git.run_remote` raises.
        """
        _init(folder, durable=durable)
        refs = REFS if default_branch else REFS[:1]
        git.run_remote(folder, url, *FETCH, "--prune", "origin", *refs)
        return cls._fetched(folder, git, url, refs)

    @classmethod
    def clone_default_branch(cls, url: str, git: Git, folder: Path) -> Repository:
        """Return the repository at `url`, of which the last commit of the default branch is fetched
        into `folder`, and nothing else.

        Raises what `Git.run_remote` raises.
        """
        _init(folder, durable=False)
        git.run_remote(folder, url, *FETCH, "--depth=1", "origin", _FETCH_HEAD)
        return cls._fetched(folder, git, url, (_FETCH_HEAD,))

    @classmethod
    def _fetched(cls, folder: Path, git: Git, url: str, refs: Sequence[str]) -> Repository:
        made = cls(folder, git, url, objects=Objects(folder, git, url, refs=refs))
        made._just_fetched = True
        return made

    def with_git(self, git: Git) -> Repository:
        """Return the same repository, read by `git` from now on; close this one as well."""
        objects = Objects(self.folder, git, self.url, refs=self._objects.refs)
        same = Repository(self.folder, git, self.url, objects=objects)
        same._just_fetched, same._fetched_refs = self._just_fetched, self._fetched_refs
        return same

    def __enter__(self) -> Repository:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process that reads."""
        self._objects.close()

    @property
    def environ(self) -> Mapping[str, str]:
        """Return the environment that git is run in."""
        return self._git.environ

    @property
    def incomplete(self) -> bool:
        """Whether it is a shallow clone, or one whose content was to come later."""
        shallow = self._git.run_local(self.folder, "rev-parse", "--is-shallow-repository")
        promised = ("config", "--get-regexp", r"^remote\..*\.promisor$")
        return shallow.strip() == b"true" or self._git.succeeds(self.folder, *promised)

    def tags(self) -> list[TagRef]:
        """Return every tag of a commit; if it is annotated, with who made it and when.

        Raises `UnexpectedAnswer` where there are absurdly many, or one is absurdly large.
        """
        rows = [row for row in self._refs() if row[0].startswith(_TAGS)]
        if len(rows) > _MOST_TAGS:
            raise UnexpectedAnswer(f"the repository has more than {_MOST_TAGS:,} tags")
        found = (self._tag(name.removeprefix(_TAGS), *more) for name, *more in rows)
        return [tag for tag in found if tag is not None]

    def _refs(self) -> list[list[str]]:
        """Return the fields of all tags, and of the other's `HEAD`: git is asked for both at once,
        and only once where they were fetched just now.
        """
        if self._fetched_refs is not None:
            return self._fetched_refs
        fields = "%00".join(f"%({field})" for field in _TAG_FIELDS)
        words = ("for-each-ref", f"--count={_MOST_TAGS + 2}", f"--format={fields}")
        output = self._git.run_local(self.folder, *words, _TAGS, _HEAD, largest=_LARGEST_LIST)
        lines = output.decode("utf-8", "replace").split("\n")
        rows = [line.split("\0", len(_TAG_FIELDS) - 1) for line in lines if line]
        if self._just_fetched:
            self._fetched_refs = rows
        return rows

    def _tag(
        self, name: str, kind: str, target: str, peeled_kind: str, peeled: str, *more: str
    ) -> TagRef | None:
        size, when, email, tagger = more
        if kind == "commit":
            return TagRef(name, target, 0, annotated=False)
        if kind == "tag" and int(size) > _LARGEST_TAG:
            raise UnexpectedAnswer(
                f"tag {printable(name, 100)} has {human_size(int(size))}, more than"
                f" {human_size(_LARGEST_TAG)}",
                "No tag that GTO made is that large: delete it",
            )
        if peeled_kind == "tag":  # a tag of a tag, which older gits peel but once
            peeled = self._objects.commit(f"refs/tags/{name}") or ""
        elif peeled_kind != "commit":
            return None
        if not peeled:
            return None
        email = email.removeprefix("<").removesuffix(">")
        if len(email) > _LONGEST_EMAIL:
            email = ""
        return TagRef(name, peeled, int(when or 0), True, tagger[:_LONGEST_TAGGER], target, email)

    def tag_object(self, name: str) -> bytes:
        """Return the object of an annotated tag, by the name of the object.

        Raises `BrokenRepository` if it is not there, `UnexpectedAnswer` if it is absurdly large.
        """
        return self._git.run_local(self.folder, "cat-file", "tag", name, largest=_LARGEST_TAG)

    def branch(self, name: str) -> str | None:
        """Return the commit that a branch is at, None if there is no such branch.

        In a checkout the branch is as `origin` had it last, if there is one, else the local one.
        """
        if self.url:  # with a star, that there is none is no failure
            ours = f"refs/heads/{name}*"
            self._git.run_remote(
                self.folder, self.url, *FETCH, "--prune", "origin", f"+{ours}:{ours}"
            )
        return self._commit(f"refs/remotes/origin/{name}") or self._commit(f"refs/heads/{name}")

    def default_branch(self) -> Revision | None:
        """Return the files of the default branch; None where it is not known.

        In a checkout it is as `origin` had it last; it is not known where nobody noted that
        (`git remote set-head`). What is checked out may be anybody's, and counts where there is no
        `origin`, or where nothing can be checked out.
        """
        if self._just_fetched:
            heads = (row[2] for row in self._refs() if row[:2] == [_HEAD, "commit"])
            commit = next(heads, None)
            return self.revision(commit) if commit else None
        if self.url:
            return self._revision_of(_HEAD)
        noted = self._revision_of("refs/remotes/origin/HEAD")
        return noted or (self._revision_of("HEAD") if self._is_its_own else None)

    @property
    def _is_its_own(self) -> bool:
        """Return whether there is no `origin` that would know better, or no checkout."""
        bare = self._git.run_local(self.folder, "rev-parse", "--is-bare-repository")
        has_origin = self._git.succeeds(self.folder, "config", "--get", "remote.origin.url")
        return bare.strip() == b"true" or not has_origin

    def _revision_of(self, ref: str) -> Revision | None:
        commit = self._commit(ref)
        return self.revision(commit) if commit else None

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Return whether `commit` is `of`, or comes before it; both are commits."""
        return self._git.succeeds(self.folder, "merge-base", "--is-ancestor", commit, of)

    def content(self, name: str, folder: Path) -> Path:
        """Return the content of the Git object `name` as a file of `folder`; see `Objects.file`."""
        return self._objects.file(name, folder)

    def fetch_commit(self, commit: str, *options: str) -> None:
        """Fetch a commit that may be on no tag, if it is not here; all there is, if need be.

        Raises `ObjectMissing` where there is none, and what `Git.run_remote` raises.
        """
        there = ("cat-file", "-e", f"{commit}^{{commit}}")
        if self._git.succeeds(self.folder, *there):
            return
        try:
            self._git.run_remote(self.folder, self.url, *FETCH, *options, "origin", commit)
        except UnadvertisedObject:
            self._git.run_remote(self.folder, self.url, *FETCH, "origin", *EVERYTHING)
        if not self._git.succeeds(self.folder, *there):
            raise ObjectMissing(
                f"there is no commit {commit} on a branch or tag of {self.url}",
                "Was it rewritten? Bring the import up to date with `dvc update`",
            )

    def revision(self, commit: str) -> Revision:
        """Return the files of one commit."""
        from studio_action.gitrepo.git.revision import Revision  # late: often tags are enough

        return Revision(commit, self._objects)

    def _commit(self, ref: str) -> str | None:
        """Return the commit that a reference leads to, None if there is none of just that name.

        Git itself takes `refs/tags/refs/heads/main` for `refs/heads/main`, where that is not there.
        """
        if not self._git.succeeds(self.folder, "show-ref", "--verify", "--quiet", ref):
            return None
        return self._objects.commit(ref)


def _init(folder: Path, *, durable: bool) -> None:
    """Make a bare repository at `folder`, if there is none.

    It is no more than this (https://git-scm.com/docs/gitrepository-layout), and takes no process.
    Git waits for the disk for each reference that it writes, unless it is told not to.
    """
    for name in ("objects", "refs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    if not (folder / "HEAD").exists():
        config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
        config += "" if durable else "\tfsync = none\n"
        (folder / "config").write_text(config)
        (folder / "HEAD").write_text("ref: refs/heads/main\n")
