"""A process that fetches one file, to be killed: `python -m tests.download.fetching URL FOLDER`.

The bytes are made from the digest in the URL's path, as those of a storage are.
"""

from __future__ import annotations

import sys
from pathlib import Path

from studio_action.download.transfer import Transfer
from studio_action.model.artifact import RemoteFile
from studio_action.model.digest import digest_in_url
from studio_action.net.clock import Limits
from studio_action.net.network import Network
from studio_action.signals import stopping
from tests.download.conftest import Heard


def main(url: str, folder: str) -> None:
    transfer = Transfer(
        Path(folder),
        limits=Limits(10, 2),
        max_connections=4,
        network=Network(),
        verify="auto",
    )
    file = RemoteFile("model", url, digest=digest_in_url(url))
    with stopping(), transfer:
        (fetched,) = transfer.fetch([file], renew=dict, progress=Heard())
    print(fetched.md5, fetched.transferred)


if __name__ == "__main__":
    main(*sys.argv[1:])
