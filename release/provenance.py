"""How an artifact was made, as an in-toto statement with SLSA's predicate. Pure.

https://slsa.dev/spec/v1.0/provenance
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:studio-action:release:v1"


def statement(
    subjects: Mapping[str, str],
    *,
    source: str,
    revision: str,
    builder: str,
    materials: Sequence[Mapping[str, Any]] = (),
    parameters: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the statement about artifacts, which are SHA-256 digests in hexadecimal by name.

    `source` is the repository's URL, `builder` the URI of who built; `materials` are descriptors
    of what else went in, such as the base image.
    """
    checkout = {"uri": f"git+{source}", "digest": {"gitCommit": revision}}
    return {
        "_type": STATEMENT,
        "subject": [
            {"name": name, "digest": {"sha256": digest}} for name, digest in subjects.items()
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": dict(parameters or {}),
                "resolvedDependencies": [checkout, *map(dict, materials)],
            },
            "runDetails": {"builder": {"id": builder}},
        },
    }
