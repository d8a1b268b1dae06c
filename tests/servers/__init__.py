"""Real S3, HTTP and Azure servers on loopback, each for as long as its `with` block lasts."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tests import sample
from tests.reference import Signer
from tests.servers.azure import Azurite, azurite
from tests.servers.s3 import REGION, SeaweedFS, seaweedfs

__all__ = [
    "REGION",
    "Azurite",
    "SampleStorage",
    "SeaweedFS",
    "azurite",
    "sample_storage",
    "seaweedfs",
    "tampered",
]


@dataclass(frozen=True, slots=True)
class SampleStorage:
    """Real servers that hold every object of the sample registry."""

    s3: SeaweedFS
    azure: Azurite

    @property
    def signers(self) -> dict[str, Signer]:
        """How the URLs of the sample's remotes are made good to GET, by scheme."""

        def public(url: str, _moment: datetime, _lifetime: timedelta) -> str:
            return self.s3.public(url)

        return {"s3": self.s3.sign, "azure": self.azure.sign, "https": public}

    @property
    def remotes(self) -> dict[str, dict[str, str]]:
        """The options by which DVC finds the sample's remotes here; the local one is a folder."""
        return {
            "storage": {
                "url": "s3://models/registry",
                "endpointurl": self.s3.endpoint,
                "access_key_id": self.s3.key_id,
                "secret_access_key": self.s3.secret,
            },
            "azure": {
                "url": "azure://models/registry",
                "connection_string": self.azure.connection_string,
            },
            "web": {"url": self.s3.public("https://models.example.com/registry")},
            "shelf": sample.REMOTES["shelf"],
        }


@contextlib.contextmanager
def sample_storage(folder: Path) -> Iterator[SampleStorage]:
    """Both servers, filled; their state is in `folder`."""
    with ExitStack() as stack:
        s3 = stack.enter_context(seaweedfs(folder / "seaweedfs"))
        azure = stack.enter_context(azurite(folder / "azurite"))
        s3.put("models", sample.objects("s3", "models"))
        s3.put("models.example.com", sample.objects("https", "models.example.com"))
        azure.put("models", sample.objects("azure", "models"))
        yield SampleStorage(s3, azure)


def tampered(url: str) -> str:
    """The signed URL with the first character of its signature changed."""
    before, marker, after = re.split("(Signature=|sig=)", url)
    return before + marker + ("1" if after[0] == "0" else "0") + after[1:]
