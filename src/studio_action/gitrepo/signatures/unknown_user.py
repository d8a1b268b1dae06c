"""A user that the machine does not know, as `docker run --user 1234` makes one.

ssh-keygen ends with `No user exists for uid 1234` before it does anything. So nss_wrapper, which
the image has, tells it of the user, in its own process alone (https://cwrap.org/nss_wrapper.html).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from studio_action.errors import BadInput

_LIBRARY = "libnss_wrapper.so"


def libraries() -> Iterable[Path]:
    """Yield where nss_wrapper is installed."""
    for folder in ("/usr/lib64", "/usr/lib"):
        yield from Path(folder).glob(_LIBRARY)
        yield from Path(folder).glob(f"*/{_LIBRARY}")


def variables(
    folder: Path,
    user: int | None = None,
    find: Callable[[], Iterable[Path]] = libraries,
) -> dict[str, str]:
    """Return the environment in which a program finds the user that it runs as.

    It is empty where the machine knows `user`, by default that of this process; `folder` is for
    files. Raises `BadInput` without nss_wrapper.
    """
    if sys.platform == "win32":
        return {}
    import pwd

    user = os.getuid() if user is None else user
    try:
        pwd.getpwuid(user)
    except KeyError:
        pass
    else:
        return {}
    library = next(iter(find()), None)
    if library is None:
        raise BadInput(
            f"ssh-keygen cannot check signatures as user {user}: this machine has no such user",
            "Run as a user of the machine, install nss_wrapper (libnss-wrapper), or use the image",
        )
    passwd, group = folder / "passwd", folder / "group"
    passwd.write_text(f"ci:x:{user}:{os.getgid()}::{folder}:/bin/false\n")
    group.write_text(f"ci:x:{os.getgid()}:\n")
    return {
        "LD_PRELOAD": str(library),
        "NSS_WRAPPER_PASSWD": str(passwd),
        "NSS_WRAPPER_GROUP": str(group),
    }
