"""Repairs over HTTP: comparing with providers, replaying, dead jobs, the hold on the outbox."""

from inbox.repair.api.jobs import JobRepairController
from inbox.repair.api.messages import UnsettledController
from inbox.repair.api.outbox import OutboxController
from inbox.repair.api.repairs import IntakeRepairController, ReconcileController, RepairController

__all__ = [
    "IntakeRepairController",
    "JobRepairController",
    "OutboxController",
    "ReconcileController",
    "RepairController",
    "UnsettledController",
]
