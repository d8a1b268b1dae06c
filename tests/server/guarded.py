"""A web server that demands a password, as stores of files on sites without a cloud do."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from studio_action.server.registry.upstream import UpstreamResponse
from tests.download.storage import Reply, Request, Storage, running

PASSWORD = "s3cret pass"
AUTHORIZATION = "Basic " + base64.b64encode(f"ada:{PASSWORD}".encode()).decode()
OPTIONS = {"auth": "basic", "user": "ada", "password": PASSWORD}


@contextmanager
def guarded(objects: Mapping[str, bytes] | None = None) -> Iterator[Storage]:
    """A server of `objects` by path; whoever lacks the password is refused."""
    with running() as storage:
        storage.objects.update(objects or {})
        storage.always(refused)
        yield storage


def refused(request: Request) -> Reply | None:
    known = request.headers.get("authorization") == AUTHORIZATION
    return None if known else Reply(401, b"", {"WWW-Authenticate": "Basic"})


def whole(answer: UpstreamResponse) -> bytes:
    """The body of an answer, which is ended."""
    try:
        return b"".join(iter(answer.read, b""))
    finally:
        answer.close()
