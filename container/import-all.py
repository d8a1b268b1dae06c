"""Imports what a run of the step imports, so that it has bytecode on a read-only file system.

The base image's own library has none: a start takes a quarter of the time with it.
"""

import _strptime  # noqa: F401 - imported late, as the next three are
import encodings.ascii
import encodings.idna
import encodings.utf_8_sig  # noqa: F401
import importlib.util
import pkgutil

import studio_action

SLIM = importlib.util.find_spec("azure") is None
"""Whether this is an image without the libraries of clouds and of signatures."""

for module in pkgutil.walk_packages(studio_action.__path__, "studio_action."):
    if module.name.startswith("studio_action.server."):
        continue
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        if not SLIM or error.name.startswith("studio_action"):
            raise
