"""Resolve a registered model by stage or version and put verified bytes into a CI workspace.

    >>> import studio_action
    >>> model = studio_action.download("churn", "model", stage="prod")

docs/python.md has the whole interface. What a name needs is imported once the name is used.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio_action.errors import (
        BadInput,
        Cancelled,
        ContentMismatch,
        DeadlinePassed,
        NoSuchModel,
        NotFound,
        ObjectMissing,
        PolicyRefused,
        StudioActionError,
        TokenRefused,
        UnexpectedAnswer,
        Unreachable,
        WorkspaceRefused,
    )
    from studio_action.library import (
        Download,
        File,
        Progress,
        RemoteFile,
        Resolved,
        download,
        resolve,
    )

__version__ = "0.1.0"

__all__ = [
    "BadInput",
    "Cancelled",
    "ContentMismatch",
    "DeadlinePassed",
    "Download",
    "File",
    "NoSuchModel",
    "NotFound",
    "ObjectMissing",
    "PolicyRefused",
    "Progress",
    "RemoteFile",
    "Resolved",
    "StudioActionError",
    "TokenRefused",
    "UnexpectedAnswer",
    "Unreachable",
    "WorkspaceRefused",
    "__version__",
    "download",
    "resolve",
]

_OF_LIBRARY = frozenset(
    {"Download", "File", "Progress", "RemoteFile", "Resolved", "download", "resolve"}
)


def __getattr__(name: str) -> object:
    """Import a name of the interface when it is used first (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = "library" if name in _OF_LIBRARY else "errors"
    return getattr(import_module(f"{__name__}.{module}"), name)


class _Package(ModuleType):
    """The package itself: its `download` is the function, though a folder has that name.

    Importing something of a folder sets the attribute of its name; what is a property stays.
    """

    @property
    def download(self) -> object:
        return __getattr__("download")

    @download.setter
    def download(self, folder: object) -> None:
        pass


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
