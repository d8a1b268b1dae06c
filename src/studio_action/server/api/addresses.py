"""The public address of the server. Pure."""

from __future__ import annotations

import re

from starlette.requests import Request

from studio_action.server.api.responses import refused
from studio_action.server.settings import ServerSettings

_HOST = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", re.ASCII)


def base_url_of(request: Request, settings: ServerSettings) -> str:
    """Return the server's URL with its sub-path, without a slash at the end.

    That is the configured `url`, else the address in the request's Host header. Raise `ApiError`
    (400) if that header is malformed.
    """
    if settings.url:
        return settings.url
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise refused(400, "The Host header of the request is not a host name.")
    return f"{request.scope['scheme']}://{host}{settings.base_path}"
