"""The services that routes and pages use, as one frozen value."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from studio_action.server.audit import AuditLog
from studio_action.server.db.keys import SigningKeys
from studio_action.server.db.projects import Projects
from studio_action.server.db.pushes import Pushes
from studio_action.server.db.tokens import Tokens
from studio_action.server.log import Log
from studio_action.server.metrics import Metrics
from studio_action.server.middleware.counters import Counters
from studio_action.server.openid.log_in import LogIn
from studio_action.server.registry.models import Models
from studio_action.server.settings import ServerSettings
from studio_action.server.token_exchange.exchange import TokenExchange


@dataclass(frozen=True, slots=True)
class OpenId:
    """What ID tokens are taken for: tokens of CI jobs, and the log-in of people; None for not."""

    exchange: TokenExchange | None = None
    log_in: LogIn | None = None


@dataclass(frozen=True, slots=True)
class Own:
    """What a process has for itself.

    `counters` are what rate limits count with; `stopping` is set once the process is to end.
    """

    metrics: Metrics = field(default_factory=Metrics)
    counters: Counters = field(default_factory=Counters)
    stopping: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one process; `utc` returns the current time."""

    settings: ServerSettings
    engine: Engine
    tokens: Tokens
    projects: Projects
    keys: SigningKeys
    pushes: Pushes
    models: Models
    utc: Callable[[], datetime]
    log: Log
    own: Own
    audit: AuditLog
    openid: OpenId = OpenId()
