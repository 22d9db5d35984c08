"""The tables of schedules, runs and the lease, in the database that holds Optuna's."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

METADATA = MetaData()

SCHEDULES = Table(
    "slalom_schedule",
    METADATA,
    Column("name", String(100), primary_key=True),
    Column("study", Text, nullable=False),
    Column("command", String(20), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("cron", String(200), nullable=False),
    Column("timezone", String(100), nullable=False),
    Column("due", Float(53), nullable=False),
    Column("time_limit", Float(53)),
    Column("asked", Float(53)),
)

RUNS = Table(
    "slalom_run",
    METADATA,
    Column("id", Integer, primary_key=True),
    # no foreign key: what ran is on record when the schedule is gone
    Column("schedule", String(100), nullable=False),
    Column("study", Text, nullable=False),
    Column("command", String(20), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("due", Float(53), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reason", String(20), nullable=False),
    Column("server", String(200), nullable=False),
    Column("started", Float(53), nullable=False),
    Column("seen", Float(53), nullable=False),
    Column("ended", Float(53)),
    Column("exit_code", Integer),
    Column("outcome", String(20)),
    UniqueConstraint("schedule", "due", "attempt", name="slalom_run_once"),
    Index("slalom_run_last", "schedule", "id"),
)

LEASES = Table(
    "slalom_lease",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("server", String(200), nullable=False),
    Column("since", Float(53), nullable=False),
    Column("expires", Float(53), nullable=False),
)
