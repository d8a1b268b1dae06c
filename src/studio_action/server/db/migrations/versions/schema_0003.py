"""Who was told where a version of a model is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table, and the index by which it is read and shortened."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "audit",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("time", moment, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("client", sa.String, nullable=False),
        sa.Column("token_id", sa.String, nullable=False),
        sa.Column("token_name", sa.String, nullable=False),
        sa.Column("issuer", sa.String),
        sa.Column("claims", sa.JSON),
        sa.Column("repository", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("stage", sa.String, nullable=False),
        sa.Column("revision", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_time", "audit", ["time"])
