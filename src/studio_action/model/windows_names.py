"""Which names of files Windows reads as something else than a file of that name. Pure.

https://learn.microsoft.com/windows/win32/fileio/naming-a-file
"""

from __future__ import annotations

import re
from typing import Literal

Flavour = Literal["posix", "windows"]
"""Whose rules a file system follows."""

_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"|?*\\]')
# What FAT and NTFS call a file with a long name besides: LONGNA~1.TXT.
_SHORT_NAME = re.compile(r"[^. ]{1,7}~[0-9]{1,6}(?:\.[^. ]{0,3})?")


def fault_of(path: str, flavour: Flavour) -> str:
    """Return why a file cannot be at `path`, with slashes, on such a file system; '' if it can."""
    if flavour == "posix":
        return ""
    return next((fault for part in path.split("/") if (fault := _fault_of_part(part))), "")


def _fault_of_part(part: str) -> str:
    if found := _FORBIDDEN.search(part):
        return f"Windows allows no {found[0]!r} in a name"
    if part.endswith((" ", ".")):
        return "Windows cuts a name's last dot or space off"
    if _DEVICE.fullmatch(part.partition(".")[0].rstrip(" ")):
        return "Windows keeps this name for a device"
    if _SHORT_NAME.fullmatch(part):
        return "Windows may call another file by this name"
    return ""
