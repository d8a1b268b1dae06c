from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest

from studio_action.errors import (
    NoSuchModel,
    StudioActionError,
    TokenRefused,
    UnexpectedAnswer,
    Unreachable,
)
from studio_action.gitrepo.git.credential import Credential
from studio_action.gitrepo.git.failures import BrokenRepository
from studio_action.net.clock import Clock
from studio_action.net.network import Network
from studio_action.server.registry import making
from studio_action.server.registry.mirror_fetcher import MOST_PACKS
from studio_action.server.registry.mirrors import LONG_WAIT, WAIT, Mirrors, Snapshot
from studio_action.server.settings import ServedRepository
from studio_action.studio.resolve import CommittedPolicy
from tests.fakes import Time
from tests.gitrepo.repositories import committed, git, made_at
from tests.server.serving import PATH, World, mirrors, repository, settings
from tests.servers.git import GitServer, git_server

POLICY = ".studio-action.yml"
PASSWORD = "correct-horse-battery"


@dataclass
class Place:
    """A repository on a Git server, and a mirror of it."""

    checkout: Path
    server: GitServer
    repository: ServedRepository
    data: Path
    world: World
    mirrors: Mirrors

    def another(self) -> Mirrors:
        """The same mirror as another process has it."""
        return mirrors(self.data, self.world, self.repository)

    def snapshot(self) -> Snapshot:
        return self.mirrors.snapshot(self.repository)

    def versions(self, of: Mirrors | None = None) -> dict[str, str]:
        """The commit of each version of the one model, by name."""
        found = (of or self.mirrors).snapshot(self.repository)
        return {
            version.name: version.revision
            for model in found.models.values()
            for version in model.versions
        }

    def commit(self, *tags: str) -> str:
        name = committed(self.checkout, {}, *tags)
        self.publish()
        return name

    def publish(self) -> None:
        git(self.checkout, "push", "--quiet", "--mirror", str(self.server.folder / "m.git"))

    @property
    def fetches(self) -> int:
        """How often the server was asked for its tags, or refused to tell."""
        return sum("info/refs" in path for path, _ in self.server.requests)

    @property
    def folder(self) -> Path:
        return self.data / "mirrors/acme%2Fmodels"

    @property
    def generation(self) -> Path:
        """Where the repository is that was fetched last."""
        return self.folder / self.snapshot().generation


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    checkout = made_at(tmp_path / "checkout", {"dvc.yaml": b"artifacts: {}"}, "m@v1.0.0")
    git(tmp_path, "clone", "--quiet", "--bare", "checkout", "served/m.git")
    git(tmp_path / "served/m.git", "config", "uploadpack.allowFilter", "true")
    with git_server(tmp_path / "served") as server:
        asked = repository(f"{server.url}/m.git", stale_for=3600.0)
        world, data = World(), tmp_path / "data"
        yield Place(checkout, server, asked, data, world, mirrors(data, world, asked))


# When it is fetched


def test_known__as_long_as_the_counts_of_pushes_hold(place: Place) -> None:
    place.world.reading = object()
    assert place.mirrors.known(place.repository) is None
    snapshot = place.snapshot()

    assert place.mirrors.known(place.repository) is snapshot
    place.world.reading = object()
    assert place.mirrors.known(place.repository) is None
    assert place.snapshot() is snapshot
    assert place.mirrors.known(place.repository) is snapshot
    place.world.reading = None
    assert place.mirrors.known(place.repository) is None


def test_known__not_what_will_be_fetched_soon(place: Place) -> None:
    place.world.reading = object()
    place.snapshot()
    place.world.wait(place.repository.refresh - 1)
    place.snapshot()

    assert place.mirrors.known(place.repository) is None


def test_snapshot__what_the_tags_say(place: Place) -> None:
    found = place.snapshot()

    (model,) = found.models.values()
    (event,) = found.events[model.name]
    assert [version.name for version in model.versions] == ["v1.0.0"]
    assert (event.by, event.kind, event.tag) == ("Ada Example", "registered", "m@v1.0.0")
    assert found.refreshed == place.world.moment


def test_snapshot__the_policy_of_the_default_branch(place: Place) -> None:
    none = place.snapshot().policy
    with_policy = committed(place.checkout, {POLICY: b"rules: []\n"})
    place.publish()
    place.world.push("acme/models")
    found = place.snapshot().policy

    assert isinstance(none, CommittedPolicy)
    assert none.text == ""
    assert found == CommittedPolicy(with_policy, "rules: []\n")


@pytest.mark.parametrize("content", [b"\xff", b"#" * 70_000])
def test_snapshot__a_policy_that_is_none(place: Place, content: bytes) -> None:
    committed(place.checkout, {POLICY: content})
    place.publish()

    assert isinstance(place.snapshot().policy, UnexpectedAnswer)
    assert place.versions()


def test_snapshot__is_not_fetched_again_while_it_is_young(place: Place) -> None:
    first = place.snapshot()
    place.world.wait(59)

    assert place.snapshot() is first
    assert place.fetches == 1


def test_snapshot__is_fetched_again_when_it_is_old(place: Place) -> None:
    first = place.versions()
    new = place.commit("m@v1.1.0")
    place.world.wait(60)

    assert place.versions() == {"v1.1.0": new, **first}
    assert place.fetches == 2


def test_snapshot__is_fetched_again_after_a_push(place: Place) -> None:
    first = place.versions()
    new = place.commit("m@v1.1.0")
    place.world.push("acme/models")

    assert place.versions() == {"v1.1.0": new, **first}
    place.snapshot()
    assert place.fetches == 2


def test_snapshot__nothing_new_keeps_what_was_read(place: Place) -> None:
    first = place.snapshot()
    place.world.wait(60)
    second = place.snapshot()

    assert second.models is first.models
    assert second.events is first.events
    assert (second.refreshed - first.refreshed).total_seconds() == 60


def test_snapshot__a_tag_that_was_deleted(place: Place) -> None:
    place.commit("m@v1.1.0")
    assert set(place.versions()) == {"v1.0.0", "v1.1.0"}
    git(place.checkout, "tag", "--delete", "m@v1.1.0")
    place.publish()
    place.world.wait(60)

    assert set(place.versions()) == {"v1.0.0"}


def test_snapshot__a_tag_that_was_moved(place: Place) -> None:
    first = place.versions()
    moved = committed(place.checkout, {})
    git(place.checkout, "tag", "--force", "-a", "m@v1.0.0", "-m", "moved")
    place.publish()
    place.world.wait(60)

    assert place.versions() == {"v1.0.0": moved} != first


def test_snapshot__a_clock_that_was_set_back(place: Place) -> None:
    place.snapshot()
    place.world.wait(-3600)
    place.commit("m@v1.1.0")

    assert set(place.versions()) == {"v1.0.0", "v1.1.0"}


def test_refresh__asks_however_young_it_is(place: Place) -> None:
    place.snapshot()
    place.commit("m@v1.1.0")
    place.world.wait(0.001)
    place.mirrors.refresh(place.repository)

    assert set(place.versions()) == {"v1.0.0", "v1.1.0"}
    assert place.fetches == 2


def test_snapshot__a_repository_without_a_tag(tmp_path: Path) -> None:
    checkout = made_at(tmp_path / "checkout", {"a": b""})
    asked, world = repository(checkout), World()

    assert mirrors(tmp_path / "data", world, asked).snapshot(asked).models == {}


# Who fetches


def test_snapshot__many_ask_and_one_fetches(place: Place) -> None:
    others = [place.mirrors, *(place.another() for _ in range(3))]

    with ThreadPoolExecutor(32) as threads:
        found = list(threads.map(lambda n: set(place.versions(others[n % 4])), range(64)))

    assert found == [{"v1.0.0"}] * 64
    assert place.fetches == 1


def test_snapshot__what_another_process_fetched(place: Place) -> None:
    place.snapshot()
    place.commit("m@v1.1.0")
    place.world.wait(60)
    place.another().snapshot(place.repository)

    assert set(place.versions()) == {"v1.0.0", "v1.1.0"}
    assert place.fetches == 2


def with_time(place: Place, time: Time) -> None:
    """Let `place` be that of a process by whose clock time passes when somebody waits."""
    git_for = making.make_git_for(Network(), PATH, time.clock)
    told, world = settings(place.data, place.repository), place.world
    place.mirrors = Mirrors(told, git_for, world, world.utc, world.log, time.clock)


@pytest.fixture
def others_fetch(place: Place) -> Iterator[Time]:
    """Somebody else is fetching, and does not come to an end; what `place` has is old."""
    place.snapshot()
    place.world.wait(60)
    time = Time()
    with_time(place, time)
    with (place.folder / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield time


def test_snapshot__others_take_long(place: Place, others_fetch: Time) -> None:
    assert set(place.versions()) == {"v1.0.0"}
    assert WAIT <= others_fetch.now < WAIT + 1


def test_snapshot__others_take_long_after_a_push(place: Place, others_fetch: Time) -> None:
    place.world.push("acme/models")

    with pytest.raises(Unreachable, match="acme/models is still being fetched"):
        place.snapshot()
    assert LONG_WAIT <= others_fetch.now < LONG_WAIT + 1


def test_snapshot__another_thread_takes_long(place: Place) -> None:
    began, done = Event(), Event()

    def hold() -> None:
        began.set()
        done.wait(30)

    first = place.snapshot()
    place.world.wait(60)
    place.server.before = hold
    time = Time()
    with_time(place, time)
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(place.snapshot)
        assert began.wait(30)
        meanwhile = place.snapshot()
        done.set()

        assert meanwhile.refreshed == first.refreshed
        assert slow.result().refreshed == place.world.moment
    assert WAIT <= time.now < WAIT + 1


def test_refresh__others_take_long(place: Place, others_fetch: Time) -> None:
    with pytest.raises(Unreachable, match="acme/models is still being fetched"):
        place.mirrors.refresh(place.repository)


# Where it cannot be fetched


def test_snapshot__the_last_good_answer_meanwhile(place: Place) -> None:
    first = place.snapshot()
    place.server.script.extend([503] * 2)
    place.world.wait(60)

    assert place.snapshot().models == first.models
    assert place.snapshot().refreshed == first.refreshed
    assert not place.server.script  # one further attempt, then none for a while
    assert len(place.world.said) == 1
    assert "a repository cannot be fetched, its last tags are served" in place.world.said[0]
    assert "repository=acme/models" in place.world.said[0]
    assert "503" in place.world.said[0]


def test_snapshot__says_whether_it_could_be_fetched(place: Place) -> None:
    before = place.snapshot().failing
    place.server.script.extend([503] * 2)
    place.world.wait(60)
    meanwhile = place.snapshot().failing
    place.world.wait(60)

    assert (before, meanwhile, place.snapshot().failing) == (False, True, False)


def test_snapshot__said_once_and_when_it_is_well_again(place: Place) -> None:
    place.snapshot()
    place.server.script.extend([503] * 6)
    for _ in range(5):
        place.world.wait(60)
        place.snapshot()
        place.another().snapshot(place.repository)

    assert not place.server.script
    assert [line.partition(" repository=")[0] for line in place.world.said] == [
        "a repository cannot be fetched, its last tags are served",
        "a repository can be fetched again",
    ]


def test_snapshot__not_for_ever(place: Place) -> None:
    place.snapshot()
    place.server.script.extend([503] * 4)
    place.world.wait(3601)

    with pytest.raises(Unreachable, match="503"):
        place.snapshot()
    with pytest.raises(Unreachable, match="503"):  # remembered, by other processes too
        place.another().snapshot(place.repository)
    assert len(place.server.script) == 2


@pytest.mark.parametrize(
    ("break_it", "error"),
    [
        (lambda place: place.server.script.extend([503] * 9), Unreachable),
        (lambda place: shutil.rmtree(place.server.folder / "m.git"), NoSuchModel),
        (lambda place: setattr(place.server, "password", PASSWORD), TokenRefused),
    ],
    ids=["fails", "is gone", "is private"],
)
def test_snapshot__never_fetched(
    place: Place, break_it: Callable[[Place], None], error: type[StudioActionError]
) -> None:
    break_it(place)

    for _ in range(3):
        with pytest.raises(error):
            place.snapshot()
    with pytest.raises(error):
        place.another().snapshot(place.repository)
    assert place.fetches <= 2
    assert len(place.world.said) == 1
    assert "it was never fetched" in place.world.said[0]


def test_snapshot__a_repository_that_takes_too_long(place: Place) -> None:
    hours = iter(range(0, 3600 * 1000, 3600))
    slow = Clock(now=lambda: next(hours), sleep=lambda seconds: None)
    git_for = making.make_git_for(Network(), PATH, slow)
    told = settings(place.data, place.repository)
    found = Mirrors(told, git_for, place.world, place.world.utc, place.world.log)

    with pytest.raises(Unreachable, match=r"m\.git did not send its tags within 600 seconds"):
        found.snapshot(place.repository)


def test_refresh__fails_though_there_is_a_last_answer(place: Place) -> None:
    place.snapshot()
    place.world.wait(1)
    place.server.script.extend([503] * 2)

    with pytest.raises(Unreachable):
        place.mirrors.refresh(place.repository)
    assert set(place.versions()) == {"v1.0.0"}


def test_snapshot__with_a_password(place: Place, tmp_path: Path) -> None:
    place.server.password = PASSWORD
    credential = Credential(place.server.url, PASSWORD)
    asked = repository(f"{place.server.url}/m.git", credential=credential)
    found = mirrors(tmp_path / "private", place.world, asked)

    assert found.snapshot(asked).models
    written = (path.read_bytes() for path in (tmp_path / "private").rglob("*") if path.is_file())
    assert not any(PASSWORD.encode() in content for content in written)


# What may be in its folder


def wreck_packs(generation: Path) -> None:
    shutil.rmtree(generation / "objects/pack")


def wreck_head(generation: Path) -> None:
    (generation / "HEAD").write_text("nonsense")


def wreck_config(generation: Path) -> None:
    (generation / "config").write_text("[nonsense")


def leave_locks(generation: Path) -> None:
    (generation / "packed-refs.lock").touch()
    (generation / "refs/tags").mkdir(parents=True, exist_ok=True)
    (generation / "refs/tags/m@v1.0.0.lock").touch()


@pytest.mark.parametrize(
    "wreck", [wreck_packs, wreck_head, wreck_config, leave_locks, shutil.rmtree]
)
def test_snapshot__a_damaged_mirror_is_made_anew(
    place: Place, wreck: Callable[[Path], None]
) -> None:
    wreck(place.generation)
    new = place.commit("m@v1.1.0")
    git(place.checkout, "tag", "--force", "-a", "m@v1.0.0", "-m", "moved")
    place.publish()
    place.world.wait(60)

    assert place.versions() == {"v1.0.0": new, "v1.1.0": new}


def test_snapshot__damage_is_found_without_a_fetch(place: Place) -> None:
    wreck_packs(place.generation)

    assert set(place.versions(place.another())) == {"v1.0.0"}
    assert "a repository's copy is broken; cloning it again" in place.world.said[0]


def test_snapshot__damage_while_the_repository_is_away(place: Place) -> None:
    wreck_packs(place.generation)
    place.server.script.extend([503] * 9)
    other = place.another()

    for _ in range(2):
        with pytest.raises(Unreachable, match="copy of acme/models cannot be read"):
            other.snapshot(place.repository)
    assert len(place.server.script) == 7


def test_replaced__a_mirror_that_is_broken_when_it_is_new(place: Place) -> None:
    first = place.snapshot()

    assert place.mirrors.replaced(place.repository, first)
    second = place.snapshot()
    assert second.generation != first.generation
    assert place.mirrors.replaced(place.repository, first)  # it was already
    assert not place.mirrors.replaced(place.repository, second)


@pytest.mark.parametrize("content", ["", "nonsense", "[]", '{"place": 1}'])
def test_snapshot__a_state_that_cannot_be_read(place: Place, content: str) -> None:
    place.snapshot()
    (place.folder / "state.json").write_text(content)

    assert set(place.versions()) == {"v1.0.0"}


def test_snapshot__a_name_that_is_another_repository_now(place: Place, tmp_path: Path) -> None:
    place.snapshot()
    elsewhere = made_at(tmp_path / "elsewhere", {"a": b""}, "other@v3.0.0")
    asked = repository(elsewhere)

    found = mirrors(place.data, place.world, asked).snapshot(asked)

    assert [str(name) for name in found.models] == ["other"]


def test_snapshot__too_many_packs(place: Place) -> None:
    first = place.generation
    for number in range(MOST_PACKS):
        (first / f"objects/pack/tmp_pack_{number}").touch()
    place.world.wait(60)

    assert set(place.versions()) == {"v1.0.0"}
    assert place.generation != first
    assert not first.exists()


def test_opened__a_reader_ends_well_with_what_was_replaced(place: Place) -> None:
    before = place.snapshot()
    (revision,) = place.versions().values()

    with place.mirrors.opened(place.repository, before) as opened:
        assert place.mirrors.replaced(place.repository, before)
        found = opened.revision(revision).read(["dvc.yaml"])
        assert (place.folder / before.generation).exists()

    assert found == {"dvc.yaml": b"artifacts: {}"}
    place.world.wait(60)
    place.snapshot()
    assert not (place.folder / before.generation).exists()


def test_opened__what_is_gone(place: Place) -> None:
    before = place.snapshot()
    place.mirrors.replaced(place.repository, before)

    with (
        pytest.raises(BrokenRepository, match="copy of acme/models cannot be read"),
        place.mirrors.opened(place.repository, before),
    ):
        pass


def test_opened__contents_are_fetched_once(place: Place) -> None:
    snapshot = place.snapshot()
    (revision,) = place.versions().values()

    def read(found: Mirrors) -> None:
        with found.opened(place.repository, snapshot) as opened:
            assert opened.revision(revision).read(["dvc.yaml"])

    read(place.mirrors)
    fetches = place.fetches
    read(place.mirrors)
    read(place.another())

    assert place.fetches == fetches


FETCH = """
import sys
from pathlib import Path
from tests.server.serving import World, mirrors, repository
asked = repository(sys.argv[1], stale_for=3600.0)
world = World()
world.wait(60)
mirrors(Path(sys.argv[2]), world, asked).snapshot(asked)
"""


@pytest.mark.parametrize("before", ["nothing", "a mirror"])
def test_snapshot__after_a_fetch_that_was_killed(place: Place, before: str) -> None:
    if before == "a mirror":
        place.snapshot()
    place.commit("m@v1.1.0")
    place.world.wait(60)
    url = f"{place.server.url}/m.git"
    command = [sys.executable, "-c", FETCH, url, str(place.data)]
    asked, killed = Event(), Event()

    def hold() -> None:
        asked.set()
        killed.wait(30)

    place.server.before = hold
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": "src:."}) as process:
        assert asked.wait(30)
        process.kill()
    killed.set()

    assert set(place.versions()) == {"v1.0.0", "v1.1.0"}
