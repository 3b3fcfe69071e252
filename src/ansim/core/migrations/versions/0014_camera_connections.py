"""camera connections, edits, PTZ and leases"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "camera_connection",
        sa.Column("camera", sa.String(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("camera"),
    )
    op.create_table(
        "camera_edit",
        sa.Column("camera", sa.String(length=32), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("camera"),
    )
    op.create_table(
        "camera_ptz",
        sa.Column("camera", sa.String(length=32), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("camera"),
    )
    op.create_table(
        "ptz_lease",
        sa.Column("camera", sa.String(length=32), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("camera"),
    )


def downgrade() -> None:
    for table in ("ptz_lease", "camera_ptz", "camera_edit", "camera_connection"):
        op.drop_table(table)
