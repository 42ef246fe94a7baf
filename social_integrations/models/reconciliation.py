"""Comparing what Meta keeps with what Meta delivered."""

from django.db import models
from django.db.models import Q

from .accounts import ConnectedAccount


class Reconciliation(models.Model):
    """One run through an account's conversations at Meta; resumes where it was interrupted."""

    class Reason(models.TextChoices):
        """Why it was started."""

        CONNECTED = "connected", "Account connected"
        SCHEDULE = "schedule", "Daily"
        GAP = "gap", "After a gap in deliveries"
        REQUEST = "request", "Asked for"

    class State(models.TextChoices):
        """Where it stands."""

        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    account = models.ForeignKey(
        ConnectedAccount, models.CASCADE, related_name="reconciliations", db_index=False
    )
    reason = models.CharField(max_length=16, choices=Reason)
    state = models.CharField(max_length=16, choices=State, default=State.RUNNING)
    cursor = models.TextField(
        blank=True, editable=False, help_text="Meta's cursor of the next page of conversations."
    )
    conversations = models.PositiveIntegerField(default=0, help_text="Conversations looked at.")
    messages = models.PositiveIntegerField(default=0, help_text="Messages looked at.")
    imported = models.PositiveIntegerField(default=0, help_text="Messages that were missing here.")
    unreadable = models.PositiveIntegerField(
        default=0, help_text="Messages too old for Meta to show (beyond the 20 newest)."
    )
    error = models.TextField(blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(state="running"),
                name="reconciliation_one_at_a_time",
            )
        ]
        indexes = [models.Index(fields=["account", "-id"], name="reconciliation_latest")]

    def __str__(self) -> str:
        return f"Reconciliation {self.pk} of {self.account}"
