from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import resource
from studio_action.server.run import descriptors
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 200))
print(descriptors.allow_many(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_allow_many__as_many_as_the_system_lets_it() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)

    assert done.stdout == "200 200 200\n"
