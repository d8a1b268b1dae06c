"""Where the server is, as its callers see it. Pure."""

from __future__ import annotations

import re

from starlette.requests import Request

from studio_action.server.api.answers import refused
from studio_action.server.settings import ServerSettings

_HOST = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", re.ASCII)


def base_of(request: Request, settings: ServerSettings) -> str:
    """The server's address with the sub-path, without a slash at the end.

    It is the public one if the settings have it, else the one that the caller used; raises
    `Refused` where that makes no sense.
    """
    if settings.url:
        return settings.url
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise refused(400, "The Host header of the request is not a host's name.")
    return f"{request.scope['scheme']}://{host}{settings.base_path}"
