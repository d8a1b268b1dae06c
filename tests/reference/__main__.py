"""Serve until SIGINT or SIGTERM; print the URL and a token as an environment file."""

from __future__ import annotations

import argparse
import signal
import threading

from tests.reference import REPOSITORY, serve

_TURN = 0.5
"""Seconds: on Windows, no signal ends a wait."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.reference", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--base-path", default="", help="a sub-path such as /studio")
    options = parser.parse_args()
    over = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: over.set())
    with serve(host=options.host, port=options.port, base_path=options.base_path) as server:
        print(f"STUDIO_ACTION_STUDIO_URL={server.url}")
        print(f"STUDIO_ACTION_TOKEN={server.token}")
        print(f"STUDIO_ACTION_REPO={REPOSITORY}", flush=True)
        while not over.wait(_TURN):
            pass


if __name__ == "__main__":
    main()
