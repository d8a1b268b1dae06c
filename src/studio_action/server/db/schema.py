"""The tables of the database, as the newest migration leaves them."""

from __future__ import annotations

from datetime import datetime, timezone

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)


class Moment(TypeDecorator[datetime]):
    """A time that is an aware datetime in UTC, whatever the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC; raise `ValueError` if it has no time zone."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value and value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC; SQLite does not keep the time zone."""
        if value is not None and value.tzinfo is None:
            return value.replace(tzinfo=timezone.utc)
        return value and value.astimezone(timezone.utc)


metadata = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s"}
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("name", String, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("teams", JSON, nullable=False),
    Column("repositories", JSON, nullable=False),
    Column("all_repositories", Boolean, nullable=False),
    Column("created", Moment, nullable=False),
    Column("expires", Moment),
    Column("revoked", Moment),
    Column("last_used", Moment),
    Column("issuer", String),
    Column("claims", JSON(none_as_null=True)),
)

used_id_tokens = Table(
    "used_id_tokens",
    metadata,
    Column("identity", LargeBinary, primary_key=True),
    Column("expires", Moment, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("repository", String, nullable=False),
    Column("repo_url", String, nullable=False),
    Column("subdir", String, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("created", Moment, nullable=False),
    Column("created_by", String, nullable=False),
    UniqueConstraint("repository", "owner", "subdir"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", String, primary_key=True),
    Column("time", Moment, nullable=False),
    Column("action", String, nullable=False),
    Column("client", String, nullable=False),
    Column("token_id", String, nullable=False),
    Column("token_name", String, nullable=False),
    Column("issuer", String),
    Column("claims", JSON(none_as_null=True)),
    Column("repository", String, nullable=False),
    Column("model", String, nullable=False),
    Column("version", String, nullable=False),
    Column("stage", String, nullable=False),
    Column("revision", String, nullable=False),
    Index("ix_audit_time", "time"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("created", Moment, nullable=False),
)

pushes = Table(
    "pushes",
    metadata,
    Column("repository", String, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("delivery", LargeBinary),
    Column("delivered", Moment),
)

hits = Table(
    "hits",
    metadata,
    Column("key", String, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("expires", Float, nullable=False),
    Index("ix_hits_expires", "expires"),
)
