"""The ledger: everything Meta delivered, item by item, and what became of it."""

from django.db import models
from django.db.models import Q

from .accounts import ConnectedAccount


class WebhookEvent(models.Model):
    """One item of a delivery, kept before anything is done with it."""

    class Status(models.TextChoices):
        """What became of the item."""

        RECEIVED = "received", "Waiting to be applied"
        APPLIED = "applied", "Applied"
        PARKED = "parked", "Waits for its message"
        ORPHANED = "orphaned", "No connected account"
        UNKNOWN = "unknown", "Not understood"
        FAILED = "failed", "Failed"
        TEST = "test", "Test received"

    delivery_id = models.UUIDField(help_text="The same for all items of one POST.")
    position = models.PositiveIntegerField(help_text="Place within the POST, from 0.")
    received_at = models.DateTimeField()
    account = models.ForeignKey(
        ConnectedAccount,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="webhook_events",
        db_index=False,
    )
    instagram_account_id = models.CharField(max_length=64, blank=True, help_text="entry.id")
    contact_igsid = models.CharField(
        "Instagram-scoped id",
        max_length=64,
        blank=True,
        help_text="The person the item is about, where it names one.",
    )
    wrapper = models.CharField(
        max_length=16,
        help_text="Where the item stood: messaging, standby, changes, entry or body; "
        "conversations for one read from Meta's Conversations API.",
    )
    kind = models.CharField(max_length=32)
    event_key = models.CharField(
        max_length=32, help_text="Fingerprint of the item: a repetition has the same."
    )
    payload = models.JSONField(help_text="The item as Meta sent it.")
    occurred_at = models.DateTimeField(null=True, blank=True, help_text="Meta's clock.")
    status = models.CharField(max_length=16, choices=Status, default=Status.RECEIVED)
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    applied_at = models.DateTimeField(null=True, blank=True)
    # Both are set when an item is applied, never at the door: they cost deliveries nothing.
    awaits = models.CharField(
        max_length=528,
        blank=True,
        db_default="",
        help_text="What a waiting item waits for: mid:… (a message) or contact:… (a person).",
    )
    retry_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When a failed item is tried again; a failed item without it waits for a person.",
    )

    class Meta:
        verbose_name = "webhook event"
        ordering = ["-id"]
        # Not `unique=True`: for that Django adds a second index for LIKE, one more to write for
        # every delivery.
        constraints = [models.UniqueConstraint(fields=["event_key"], name="webhook_event_once")]
        indexes = [
            # The work list and every troubled state; applied rows, nearly all, stay out of it.
            models.Index(
                fields=["status", "id"], name="webhook_event_open", condition=~Q(status="applied")
            ),
            models.Index(
                fields=["instagram_account_id"],
                name="webhook_event_orphaned",
                condition=Q(status="orphaned"),
            ),
            models.Index(
                fields=["account", "awaits"],
                name="webhook_event_awaiting",
                condition=Q(status="parked"),
            ),
            # When a comment was written; what is delivered of conversations stays out of it.
            models.Index(
                fields=["account", "-id"],
                name="webhook_event_comments",
                condition=Q(kind__in=["comments", "live_comments"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
