"""The audit log: a line for each answer that names a model's version, and a row in the database.

The rows are written by a thread, many at a time, so that no request waits for the database. While
that is down they wait, as many as `_MOST_WAITING`; of those above it, the lines are all there is.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import timedelta

from starlette.requests import Request

from studio_action.errors import StudioActionError
from studio_action.model.artifact import Resolution
from studio_action.server.access import Token
from studio_action.server.db.audit import AuditEntries, AuditEntry
from studio_action.server.log import Log

_MOST_WAITING = 50_000
_MOST_AT_ONCE = 500
_PAUSE = 0.25
"""The seconds that entries are collected before they are written."""
_PAUSE_AFTER_FAILURE = 5.0
_CLEANUP = 3600.0
"""The seconds from one deletion of old entries to the next."""
_SHOWN = [each.name for each in fields(AuditEntry) if each.name not in ("time", "claims")]
"""What a line of the log has as a row has it; the line has a time of its own."""
_LAST_SECONDS = 5.0
"""The seconds that the last entries may take when the server stops."""


class AuditLog:
    """Records answers in the log and, after a moment, in `entries`.

    `retention` is how long entries stay in the database. `now` returns seconds.
    """

    def __init__(
        self,
        log: Log,
        entries: AuditEntries,
        retention: timedelta = timedelta(days=90),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log, self._entries, self._retention, self._now = log, entries, retention, now
        self._waiting: deque[AuditEntry] = deque()
        self._lost, self._cleaned = 0, -_CLEANUP
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def record(self, request: Request, token: Token, repository: str, found: Resolution) -> None:
        """Record that `token` was told of a version; callable from any thread."""
        entry = AuditEntry(
            time=self._log.utc(),
            action=request.scope["path"].rpartition("/")[2],
            client=request.client.host if request.client else "",
            token_id=token.id,
            token_name=token.name,
            issuer=token.issuer,
            claims=token.claims,
            repository=repository,
            model=str(found.artifact.model),
            version=found.version,
            stage=found.stage,
            revision=found.revision,
        )
        self._log(
            "model requested",
            **{name: getattr(entry, name) for name in _SHOWN},
            claims=[f"{name}={value}" for name, value in (entry.claims or {}).items()] or None,
            request_id=getattr(request.state, "request_id", None),
        )
        if len(self._waiting) >= _MOST_WAITING:
            self._lost += 1
            return
        self._waiting.append(entry)
        self._wake.set()

    def newest(
        self, most: int, *, repository: str = "", model: str = "", revision: str = ""
    ) -> Sequence[AuditEntry]:
        """Return at most so many entries of the database, the newest first; '' is every one.

        Raise `Unreachable` if the database fails.
        """
        return self._entries.newest(most, repository=repository, model=model, revision=revision)

    def start(self) -> None:
        """Start the thread that writes rows."""
        self._thread = threading.Thread(target=self._write, name="audit", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end the thread; give up after some seconds."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_LAST_SECONDS)

    def flush(self) -> None:
        """Write what waits, and delete what is too old; raise `StudioActionError` if that fails."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(_MOST_AT_ONCE, len(self._waiting)))]
            try:
                self._entries.add(batch)
            except BaseException:
                self._waiting.extendleft(reversed(batch))
                raise
        if self._now() >= self._cleaned + _CLEANUP:
            self._cleaned = self._now()
            self._entries.delete_before(self._entries.now() - self._retention)

    def _write(self) -> None:
        failed = False
        while True:
            if not failed:
                self._wake.wait(_CLEANUP)
            stopping = self._stopping.wait(_PAUSE_AFTER_FAILURE if failed else _PAUSE)
            self._wake.clear()
            try:
                self.flush()
                failed = False
            except StudioActionError as error:
                self._report(error, failed)
                failed = True
            if stopping:
                return

    def _report(self, error: StudioActionError, again: bool) -> None:
        if again and not self._lost:
            return
        self._log(
            "the audit log cannot be written to the database",
            level="warning",
            waiting=len(self._waiting),
            lost=self._lost,
            error=str(error),
        )
        self._lost = 0
