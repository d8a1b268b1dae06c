"""Renders pages from templates, and serves their static files.

Pages have no inline script or style, so that their content security policy can forbid both.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import resources
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from studio_action.server.access import Token
from studio_action.text import human_size

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: then browsers would hide a form's origin from this server, too, and it
    # could not tell its own forms from others' (https://fetch.spec.whatwg.org/#origin-header).
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_FOREVER = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}
_MINUTE = 60
_UNITS = {
    "year": 365 * 86400,
    "month": 30 * 86400,
    "day": 86400,
    "hour": 3600,
    "minute": _MINUTE,
}
_PARTS = re.compile(r"(?<=[/:=@._-])(?=[^/:=@._-])")
_TYPES = {
    "style.css": "text/css; charset=utf-8",
    "times.js": "text/javascript; charset=utf-8",
    "copy.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Static:
    """A static file; `address` is below the base path and changes with the content."""

    address: str
    content: bytes
    type: str


class PageRenderer:
    """Renders the pages of a server below `base_path`."""

    def __init__(self, base_path: str, utc: Callable[[], datetime]) -> None:
        self._static = {name: _static(name) for name in _TYPES}
        self._templates = Environment(
            loader=PackageLoader("studio_action.server.web"),
            autoescape=True,
            auto_reload=False,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["moment"] = lambda when: moment(when, utc())
        self._templates.filters["breakable"] = breakable
        self._templates.filters["lasting"] = lambda how_long: lasting(how_long.total_seconds())
        self._templates.filters["size"] = human_size
        self._templates.globals["base"] = base_path
        self._templates.globals["query"] = query
        self._templates.globals["static"] = {
            name: base_path + file.address for name, file in self._static.items()
        }

    def page(
        self, template: str, visitor: Token | None, *, status: int = 200, **values: object
    ) -> HTMLResponse:
        """Return the page that a template makes of `values` for a visitor."""
        html = self._templates.get_template(template).render(visitor=visitor, **values)
        return HTMLResponse(html, status, HEADERS)

    def static(self, request: Request) -> Response:
        """Return a static file, which browsers may cache for ever."""
        for file in self._static.values():
            if file.address == f"/static/{request.path_params['path']}":
                return Response(file.content, headers=_FOREVER, media_type=file.type)
        return self.page("not_found.html", None, status=404)


def _static(name: str) -> Static:
    content = (resources.files("studio_action.server.web") / "static" / name).read_bytes()
    fingerprint = hashlib.sha256(content).hexdigest()[:12]
    return Static(f"/static/{fingerprint}/{name}", content, _TYPES[name])


def query(**fields: str | int | None) -> str:
    """Return a link to the same page with this query; leave out fields that are None."""
    return "?" + urlencode({name: text for name, text in fields.items() if text is not None})


def moment(when: datetime, now: datetime) -> Markup:
    """Return a time in UTC, and how long ago that was, as HTML for people and machines.

    A script turns it to the reader's own zone (`static/times.js`).
    """
    utc = when.astimezone(timezone.utc)
    text = f"{utc.day} {utc:%b} {utc.year}, {utc:%H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>{}').format(
        f"{utc.replace(tzinfo=None).isoformat(timespec='seconds')}Z", text, _ago(when, now)
    )


def _ago(when: datetime, now: datetime) -> Markup:
    seconds = (now - when).total_seconds()
    if seconds < 0:  # of a clock that is ahead, or a date that somebody made up
        return Markup()
    text = f"{lasting(seconds)} ago" if seconds >= _MINUTE else "just now"
    return Markup(' <span class="age">{}</span>').format(text)


def lasting(seconds: float) -> str:
    """Return a time in its largest unit, rounded down: `3 months`, `1 day`."""
    for unit, length in _UNITS.items():
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


def breakable(text: str) -> Markup:
    """Return a name that lines may break after its parts, and not in the middle of a word."""
    return Markup("<wbr>").join(_PARTS.split(text))
