"""What servers that share the database tell each other: hits of rate limits, webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table, its index, and what the last webhook of a repository was."""
    op.add_column("pushes", sa.Column("delivery", sa.LargeBinary))
    op.add_column("pushes", sa.Column("delivered", sa.DateTime(timezone=True)))
    op.create_table(
        "hits",
        sa.Column("key", sa.String, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_hits"),
    )
    op.create_index("ix_hits_expires", "hits", ["expires"])
