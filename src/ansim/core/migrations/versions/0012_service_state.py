"""when a center's state changed"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_state",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    with op.batch_alter_table("service_state", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_service_state_code"), ["code"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("service_state", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_service_state_code"))
    op.drop_table("service_state")
