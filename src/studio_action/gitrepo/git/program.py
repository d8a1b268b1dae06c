"""The git program, run so that nothing of the machine, the user or a repository surprises it.

It reads no configuration but its repository's and what is said here, runs no hook, never asks a
person, and hears of a credential only through its own credential mechanism, which keeps it to one
host, after redirects too. The secret itself is in the environment of git's own processes: not in a
URL, a command line or a file (https://git-scm.com/docs/gitcredentials).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from studio_action.errors import (
    BadInput,
    StudioActionError,
    UnexpectedAnswer,
    Unreachable,
)
from studio_action.gitrepo.git import pipes, programs
from studio_action.gitrepo.git.credential import Credential
from studio_action.gitrepo.git.failures import BrokenRepository, error_for
from studio_action.gitrepo.git.programs import NEEDED_BY_WINDOWS
from studio_action.net.clock import Limits
from studio_action.net.network import Network
from studio_action.net.retries import Retry, with_retries
from studio_action.text import human_size, printable

if TYPE_CHECKING:
    from collections.abc import Callable


_LARGEST_OUTPUT = 64 << 20
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK", "LD_LIBRARY_PATH", *NEEDED_BY_WINDOWS)
_NOTHING = "/dev/null"
"""An empty file, also to the git of Windows."""
_TRANSPORTS = "https:http:ssh"
_UPLOAD_PACK = "git -c safe.directory=* -c uploadpack.allowFilter=true upload-pack"
"""What gives out a repository of this machine: whoever owns it, and without content, if asked."""
_CREDENTIAL_HELPER = (
    '!f() { test "$1" = get &&'
    ' printf \'username=%s\\npassword=%s\\n\' "$GIT_USER" "$GIT_PASSWORD"; }; f'
)


@dataclass(frozen=True, slots=True)
class Git:
    """How git is run: over which network, for how long, with whose credential.

    `environ` is the environment of the job, from which git gets little more than its `PATH`.
    `log` hears why something is tried again. `processes` has those that run.
    """

    network: Network
    limits: Limits
    environ: Mapping[str, str] = field(repr=False)
    log: Callable[[str], None]
    credential: Credential | None = None
    processes: programs.Processes = field(
        default_factory=programs.Processes, repr=False, compare=False
    )

    def run_local(self, repository: Path, *words: str, largest: int = _LARGEST_OUTPUT) -> bytes:
        """Return what a command that stays on this machine prints.

        Raises `BrokenRepository` if it fails, `UnexpectedAnswer` if that is over `largest` bytes.
        """
        done = self._run(repository, words, b"", self._local_environment(), largest)
        if done.returncode:
            raise BrokenRepository(
                f"git {words[0]} failed in {str(repository)!r}: {self._error_text(done.stderr)}"
            )
        return done.stdout

    def succeeds(self, repository: Path, *words: str) -> bool:
        """Return whether a command that stays on this machine ends well."""
        return not self._run(repository, words, b"", self._local_environment()).returncode

    def completed(
        self,
        repository: Path,
        *words: str,
        stdin: bytes = b"",
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Return how a command that stays on this machine ended, and what it printed.

        `variables` are set in its environment besides.
        """
        environment = self._local_environment() | dict(variables or {})
        return self._run(repository, words, stdin, environment)

    def run_remote(self, repository: Path, url: str, *words: str, stdin: bytes = b"") -> bytes:
        """Return what a command that speaks to the repository at `url`, its remote `origin`,
        prints.

        `url` may be the absolute path of a folder. Tried again while the network fails. Raises
        `TokenRefused`, `NoSuchModel`, `Unreachable`, `WorkspaceRefused` or `DeadlinePassed`.
        """
        environment = self._local_environment() | self._remote_environment(url)

        def attempt() -> bytes | StudioActionError:
            done = self._run(repository, words, stdin, environment)
            return error_for(url, self._error_text(done.stderr)) if done.returncode else done.stdout

        outcome, _ = with_retries(attempt, _retry, self.limits, self.log)
        if isinstance(outcome, StudioActionError):
            raise outcome
        return outcome

    @contextmanager
    def process(self, repository: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Yield a command that stays on this machine and is spoken to while it runs."""
        with self._started(repository, words, self._local_environment()) as process:
            yield process

    def _run(
        self,
        repository: Path,
        words: Sequence[str],
        stdin: bytes,
        environment: Mapping[str, str],
        largest: int = _LARGEST_OUTPUT,
    ) -> subprocess.CompletedProcess[bytes]:
        with self._started(repository, words, environment) as process:
            left = min(self.limits.deadline.remaining(), _LONGEST_WAIT)
            try:
                output, errors = pipes.communicate(process, stdin, left, largest)
            except subprocess.TimeoutExpired:
                self.limits.deadline.check()
                raise Unreachable(f"git {words[0]} took too long") from None
            except pipes.OutputTooLarge:
                raise UnexpectedAnswer(
                    f"git {words[0]} printed more than {human_size(largest)} about the repository"
                ) from None
        return subprocess.CompletedProcess(words, process.returncode, output, errors)

    @contextmanager
    def _started(
        self, repository: Path, words: Sequence[str], environment: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        git = programs.find_git(self.environ)
        if git is None:
            raise BadInput("the program git is not installed", "Install it, or use the image")
        with programs.running(
            self._command(git, repository, words), environment, self.processes
        ) as process:
            yield process

    def _command(self, git: str, repository: Path, words: Sequence[str]) -> list[str]:
        # A repository of another user, as in a container, is read all the same: no hook, no
        # transport and no program of its configuration is ever run.
        safe = ("-c", "safe.directory=*", "-c", f"core.hooksPath={_NOTHING}")
        return [git, *safe, "-C", str(repository), *words]

    def _local_environment(self) -> dict[str, str]:
        kept = {name: self.environ[name] for name in _PASSED_ON if name in self.environ}
        return kept | {
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": _NOTHING,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def _remote_environment(self, url: str) -> dict[str, str]:
        """Return what a command that uses the network needs besides."""
        seconds = max(1, round(self.limits.timeout))
        ssh = self.environ.get("GIT_SSH_COMMAND", "ssh")
        settings = {
            "remote.origin.url": url,
            "protocol.version": "2",
            "http.lowSpeedLimit": "1",
            "http.lowSpeedTime": str(seconds),
            "credential.helper": "",
            "gc.auto": "0",
            "maintenance.auto": "false",
        }
        folder = Path(url).is_absolute()
        if folder:
            settings["remote.origin.uploadpack"] = _UPLOAD_PACK
        variables = {
            "GIT_ALLOW_PROTOCOL": "file" if folder else _TRANSPORTS,
            "GIT_SSH_COMMAND": f"{ssh} -o BatchMode=yes -o ConnectTimeout={seconds}"
            f" -o ServerAliveInterval={seconds} -o ServerAliveCountMax=1",
        }
        for scheme in ("http", "https"):
            variables[f"{scheme}_proxy"] = self.network.proxy_for(scheme)
        variables["no_proxy"] = self.network.proxies.get("no", "")
        if self.network.ca_bundle is not None:
            variables["GIT_SSL_CAINFO"] = str(self.network.ca_bundle)
        if self.credential is not None:
            settings[f"credential.{self.credential.origin}.helper"] = _CREDENTIAL_HELPER
            variables["GIT_USER"] = self.credential.user
            variables["GIT_PASSWORD"] = self.credential.password
        variables["GIT_CONFIG_COUNT"] = str(len(settings))
        for number, (key, value) in enumerate(settings.items()):
            variables[f"GIT_CONFIG_KEY_{number}"] = key
            variables[f"GIT_CONFIG_VALUE_{number}"] = value
        return variables

    def _error_text(self, errors: bytes) -> str:
        """Return what git wrote to its standard error, without secrets, on one line."""
        text = errors.decode("utf-8", "replace")
        if self.credential is not None:
            text = text.replace(self.credential.password, "***")
        lines = [re.sub(r"://[^/@\s]*@", "://", line.strip()) for line in text.splitlines()]
        return printable("; ".join(line for line in lines if line), 500) or "it said nothing"


_LONGEST_WAIT = 1e6
"""Seconds: beyond what the operating system can wait for, nobody waits longer."""


def _retry(outcome: bytes | StudioActionError) -> Retry | None:
    if isinstance(outcome, Unreachable) and not outcome.hint:
        return Retry(outcome.message)
    return None
