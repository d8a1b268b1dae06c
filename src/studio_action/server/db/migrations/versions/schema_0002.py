"""Tokens that were exchanged for ID tokens of CI jobs, and which ID tokens were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what such tokens have, and the table."""
    op.add_column("tokens", sa.Column("issuer", sa.String))
    op.add_column("tokens", sa.Column("claims", sa.JSON))
    op.create_table(
        "used_id_tokens",
        sa.Column("identity", sa.LargeBinary, nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("identity", name="pk_used_id_tokens"),
    )
