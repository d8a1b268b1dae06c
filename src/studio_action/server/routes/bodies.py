"""The body of a request, for endpoints that run in a thread, where it cannot be waited for."""

from __future__ import annotations

from starlette.requests import Request


async def body_of(request: Request) -> bytes:
    """The whole body; how long it may be is bounded before it gets here."""
    return await request.body()
