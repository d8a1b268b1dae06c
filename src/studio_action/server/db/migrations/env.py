"""Run by Alembic: the steps that lead to the newest schema, over the connection that is given."""

from __future__ import annotations

from alembic import context

from studio_action.server.db import schema

context.configure(
    connection=context.config.attributes["connection"], target_metadata=schema.metadata
)
with context.begin_transaction():
    context.run_migrations()
