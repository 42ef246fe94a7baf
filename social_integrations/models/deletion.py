"""Requests to have data deleted, and the memory that somebody was erased."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from .conversations import Contact

# What the legal pages promise; GDPR Art. 12(3) allows a month.
SETTLED_WITHIN = timedelta(days=30)


class DeletionRequest(models.Model):
    """Somebody asked Meta to have their data deleted here; holds no personal data once settled."""

    class State(models.TextChoices):
        """Where it stands; the status page says the same in sentences."""

        RECEIVED = "received", "Received"
        WORKING = "working", "Being erased"
        NEEDS_PERSON = "needs_person", "Needs a person"
        DONE = "done", "Erased"
        NOTHING_HELD = "nothing_held", "Nothing held"

    OPEN = (State.RECEIVED, State.WORKING, State.NEEDS_PERSON)

    confirmation_code = models.CharField(
        max_length=32, unique=True, help_text="In the link of the status page; random."
    )
    user_id = models.CharField(
        "user id",
        max_length=64,
        blank=True,
        help_text="Who asked, as Meta names them to this app; emptied once the request is settled.",
    )
    user_hash = models.CharField(
        max_length=64, editable=False, help_text="Keyed hash of the user id."
    )
    state = models.CharField(max_length=16, choices=State)
    issued_at = models.DateTimeField(null=True, blank=True, help_text="Meta's clock.")
    received_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    contacts = models.ManyToManyField(
        Contact, blank=True, related_name="+", help_text="Whom staff chose to erase for it."
    )
    erased_accounts = models.PositiveIntegerField(default=0)
    erased_people = models.PositiveIntegerField(default=0)
    erased_messages = models.PositiveIntegerField(default=0)
    erased_events = models.PositiveIntegerField(default=0, help_text="Items of the ledger.")

    class Meta:
        verbose_name = "deletion request"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user_hash"],
                condition=Q(state__in=["received", "working", "needs_person"]),
                name="deletion_request_open_once",
            )
        ]
        indexes = [models.Index(fields=["user_hash", "issued_at"], name="deletion_request_known")]

    def __str__(self) -> str:
        return f"Deletion request {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether something still has to be done."""
        return self.state in self.OPEN

    @property
    def due_at(self) -> datetime:
        """By when it has to be settled."""
        return self.received_at + SETTLED_WITHIN


class Tombstone(models.Model):
    """Somebody was erased: what Meta delivers late about them must not bring them back.

    Holds a keyed hash of account and person, so that it names neither, and is deleted when it has
    served its time.
    """

    key_hash = models.CharField(max_length=64, unique=True)
    erased_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"Tombstone {self.pk}"
