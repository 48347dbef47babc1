"""through the outbox

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-23 14:33:14.712728
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_outbox(template=1)
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
            bulk_limit=1000,
            delivery="notify",
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
        template=1,
        previous=dict(
            key=["id"],
            columns=["name"],
            bulk_limit=1000,
            delivery="notify",
            template=1,
        ),
    )


def downgrade() -> None:
    op.replace_notify_trigger(
        "users",
        key=["id"],
        columns=["name"],
        bulk_limit=1000,
        delivery="notify",
        template=1,
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
    op.replace_notify_trigger(
        "todo_items",
        key=["id"],
        columns=["title", "owner_id", "priority", "due", "done"],
        bulk_limit=1000,
        delivery="notify",
        template=1,
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
    op.drop_outbox(template=1)
