"""template 2

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-28 05:22:00.000000
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.replace_notify_trigger(
        "todo_items",
        key=["id"],
        columns=["title", "owner_id", "priority", "due", "done"],
        carry=["title", "owner_id", "priority", "due", "done"],
        fixed=["owner_id", "priority", "due", "done"],
        texts=["title"],
        bulk_limit=1000,
        delivery="outbox",
        template=2,
        previous=dict(
            key=["id"],
            columns=["title", "owner_id", "priority", "due", "done"],
            carry=["title", "owner_id", "priority", "due", "done"],
            fixed=["owner_id", "priority", "due", "done"],
            texts=["title"],
            bulk_limit=1000,
            delivery="outbox",
            template=1,
        ),
    )
    op.replace_notify_trigger(
        "users",
        key=["id"],
        columns=["name"],
        carry=["name"],
        texts=["name"],
        bulk_limit=1000,
        delivery="outbox",
        template=2,
        previous=dict(
            key=["id"],
            columns=["name"],
            carry=["name"],
            texts=["name"],
            bulk_limit=1000,
            delivery="outbox",
            template=1,
        ),
    )


def downgrade() -> None:
    op.replace_notify_trigger(
        "users",
        key=["id"],
        columns=["name"],
        carry=["name"],
        texts=["name"],
        bulk_limit=1000,
        delivery="outbox",
        template=1,
        previous=dict(
            key=["id"],
            columns=["name"],
            carry=["name"],
            texts=["name"],
            bulk_limit=1000,
            delivery="outbox",
            template=2,
        ),
    )
    op.replace_notify_trigger(
        "todo_items",
        key=["id"],
        columns=["title", "owner_id", "priority", "due", "done"],
        carry=["title", "owner_id", "priority", "due", "done"],
        fixed=["owner_id", "priority", "due", "done"],
        texts=["title"],
        bulk_limit=1000,
        delivery="outbox",
        template=1,
        previous=dict(
            key=["id"],
            columns=["title", "owner_id", "priority", "due", "done"],
            carry=["title", "owner_id", "priority", "due", "done"],
            fixed=["owner_id", "priority", "due", "done"],
            texts=["title"],
            bulk_limit=1000,
            delivery="outbox",
            template=2,
        ),
    )
