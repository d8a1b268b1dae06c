"""What every store of the database is made of."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine


@dataclass(slots=True)
class Store:
    """One kind of rows in a database.

    `now` returns the current time with its time zone; `random` returns the given number of bytes.
    """

    engine: Engine
    now: Callable[[], datetime]
    random: Callable[[int], bytes] = secrets.token_bytes
