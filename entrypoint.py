#!/opt/studio-action/bin/python3 -IBu
"""The container's door.

Isolated (`-I`), so that a job's `PYTHONPATH`, or a `requests.py` in its workspace, is not run
with the token in reach; unbuffered (`-u`), so that a job's log shows a line when it happens.
"""

from studio_action.cli import main

if __name__ == "__main__":
    main()
