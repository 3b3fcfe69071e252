"""grants, duty, footage"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "footage_hold",
        sa.Column("incident", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", sa.String(length=24), nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("incident"),
    )
    op.create_table(
        "footage_key",
        sa.Column("incident", sa.String(length=64), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.String(length=24), nullable=False),
        sa.Column("destroyed_at", sa.String(length=24), nullable=True),
        sa.PrimaryKeyConstraint("incident"),
    )
    op.create_table(
        "footage_recording",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("incident", sa.String(length=64), nullable=False),
        sa.Column("camera", sa.String(length=32), nullable=False),
        sa.Column("camera_name", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.String(length=24), nullable=False),
        sa.Column("ended_at", sa.String(length=24), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("footage_recording", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_footage_recording_ended_at"), ["ended_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_footage_recording_incident"), ["incident"], unique=False)

    op.create_table(
        "footage_segment",
        sa.Column("recording", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=4), nullable=False),
        sa.Column("mime", sa.String(length=120), nullable=False),
        sa.Column("from_s", sa.Double(), nullable=False),
        sa.Column("until_s", sa.Double(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("recording", "number"),
    )
    op.create_table(
        "staff_off_duty",
        sa.Column("staff", sa.String(length=36), nullable=False),
        sa.Column("since", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("staff"),
    )
    op.create_table(
        "video_grant",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("incident", sa.String(length=64), nullable=False),
        sa.Column("camera", sa.String(length=32), nullable=False),
        sa.Column("camera_name", sa.String(length=200), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("holder", sa.String(length=36), nullable=False),
        sa.Column("holder_name", sa.String(length=60), nullable=False),
        sa.Column("agency", sa.String(length=16), nullable=True),
        sa.Column("session", sa.String(length=36), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("issued_at", sa.String(length=24), nullable=False),
        sa.Column("expires_at", sa.String(length=24), nullable=False),
        sa.Column("second", sa.String(length=60), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.String(length=24), nullable=True),
        sa.Column("end_reason", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("video_grant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_video_grant_ended_at"), ["ended_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_video_grant_incident"), ["incident"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("video_grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_video_grant_incident"))
        batch_op.drop_index(batch_op.f("ix_video_grant_ended_at"))

    op.drop_table("video_grant")
    op.drop_table("staff_off_duty")
    op.drop_table("footage_segment")
    with op.batch_alter_table("footage_recording", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_footage_recording_incident"))
        batch_op.drop_index(batch_op.f("ix_footage_recording_ended_at"))

    op.drop_table("footage_recording")
    op.drop_table("footage_key")
    op.drop_table("footage_hold")
