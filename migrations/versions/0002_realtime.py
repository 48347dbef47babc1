"""realtime

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-23 07:26:24.587824
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_notify_trigger(
        "todo_items",
        key=["id"],
        columns=["title", "owner_id", "priority", "due", "done"],
        bulk_limit=1000,
        delivery="notify",
        template=1,
    )
    op.create_notify_trigger(
        "users",
        key=["id"],
        columns=["name"],
        bulk_limit=1000,
        delivery="notify",
        template=1,
    )


def downgrade() -> None:
    op.drop_notify_trigger(
        "users",
        previous=dict(
            key=["id"],
            columns=["name"],
            bulk_limit=1000,
            delivery="notify",
            template=1,
        ),
    )
    op.drop_notify_trigger(
        "todo_items",
        previous=dict(
            key=["id"],
            columns=["title", "owner_id", "priority", "due", "done"],
            bulk_limit=1000,
            delivery="notify",
            template=1,
        ),
    )
