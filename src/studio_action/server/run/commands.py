"""The command line's commands that need the extra `server`, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from studio_action.server.run.audit import audit_command
from studio_action.server.run.migrate import migrate_command
from studio_action.server.run.serve import serve_command
from studio_action.server.run.token import token_group

COMMANDS: Mapping[str, Callable[[Mapping[str, str]], click.Command]] = {
    "serve": serve_command,
    "token": token_group,
    "audit": audit_command,
    "migrate": migrate_command,
}
