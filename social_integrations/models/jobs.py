"""The outbox of background work that talks to Meta."""

from django.db import models
from django.db.models import Q

from .accounts import ConnectedAccount


class Job(models.Model):
    """A piece of background work: written in the caller's transaction, run at least once."""

    class State(models.TextChoices):
        """Where the work stands."""

        READY = "ready", "Waiting"
        RUNNING = "running", "Running"
        HELD = "held", "Held until the account is connected again"
        DONE = "done", "Done"
        DEAD = "dead", "Given up"

    name = models.CharField(max_length=64, help_text="Which handler runs it (tasks.py).")
    payload = models.JSONField(default=dict, blank=True, help_text="Ids only, no content.")
    dedupe_key = models.CharField(max_length=128, null=True, blank=True, unique=True)
    state = models.CharField(max_length=16, choices=State, default=State.READY)
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    held_for = models.ForeignKey(
        ConnectedAccount,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="held_jobs",
        help_text="The account that has to be connected again first.",
    )
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["state", "due_at"], name="job_open", condition=~Q(state="done")),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.pk}"


class Heartbeat(models.Model):
    """When background work was last seen alive; one row, written every minute."""

    name = models.CharField(max_length=32, unique=True)
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.beat_at:%Y-%m-%d %H:%M}"
