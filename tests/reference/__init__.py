"""A small, honest reference server of the DVC Studio REST API over the sample registry.

Needs the standard library only, so that it also runs outside of the tests:

    python -m tests.reference --port 8000
"""

from tests.reference.messages import Answer, Request
from tests.reference.server import ReferenceServer, serve
from tests.reference.storage import Signer, Storage
from tests.reference.studio import MODEL_REGISTRY, PROJECT, REPOSITORY, Studio

__all__ = [
    "MODEL_REGISTRY",
    "PROJECT",
    "REPOSITORY",
    "Answer",
    "ReferenceServer",
    "Request",
    "Signer",
    "Storage",
    "Studio",
    "serve",
]
