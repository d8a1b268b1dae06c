"""Files that the proxy in front sends itself: the server answers with a header that names them.

https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ignore_headers (X-Accel-Redirect),
https://redmine.lighttpd.net/projects/lighttpd/wiki/X-LIGHTTPD-send-file (X-Sendfile, as Apache's
mod_xsendfile has it, too)
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class HandOver:
    """The header that tells the proxy which file to send.

    With a `location`, as `/_files/`, it is nginx's, whose location of that name is `internal`; else
    it is that of Apache and lighttpd. Both decode the value.
    """

    location: str = ""

    def header(self, path: Path) -> tuple[bytes, bytes]:
        """Return the header for the file at an absolute path."""
        encoded = quote(os.fsencode(path))
        if self.location:
            return b"x-accel-redirect", f"{self.location.rstrip('/')}{encoded}".encode()
        return b"x-sendfile", encoded.encode()
