"""How many files and connections a process may have open."""

from __future__ import annotations

import resource


def allow_many() -> int:
    """Raise the limit of this process and its children as far as the system lets it; return it.

    Shells give programs 1,024 for the sake of `select`, which the server does not use; it needs one
    for each connection (https://0pointer.net/blog/file-descriptor-limits.html).
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
