"""Messages, their attachments and reactions."""

import secrets
from pathlib import PurePosixPath

from django.conf import settings
from django.db import models
from django.db.models import Q

from .accounts import ConnectedAccount
from .conversations import Conversation
from .uploads import Upload


class Message(models.Model):
    """One message of a thread, either way."""

    class Direction(models.TextChoices):
        """Seen from the business."""

        INBOUND = "inbound", "Inbound"
        OUTBOUND = "outbound", "Outbound"

    class Source(models.TextChoices):
        """Who or what wrote it."""

        CUSTOMER = "customer", "Customer"
        CRM = "crm", "This CRM"
        INSTAGRAM_APP = "instagram_app", "Instagram app"
        OTHER_APP = "other_app", "Another app"

    class Status(models.TextChoices):
        """Inbound messages are received; the rest is the life of an outbound one."""

        RECEIVED = "received", "Received"
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        SEEN = "seen", "Seen"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Outcome unknown"

    class Author(models.TextChoices):
        """Who is answerable for a message of this CRM's; Meta's rules differ."""

        HUMAN = "human", "A person"
        AUTOMATION = "automation", "Automation"

    account = models.ForeignKey(
        ConnectedAccount, models.CASCADE, related_name="messages", db_index=False
    )
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="messages", db_index=False
    )
    mid = models.CharField(  # noqa: DJ001 - unique where given
        "message id", max_length=512, null=True, blank=True, help_text="Meta's id of the message."
    )
    event_key = models.CharField(  # noqa: DJ001 - unique where given
        max_length=32,
        null=True,
        blank=True,
        editable=False,
        help_text="The ledger item it came from, for a message Meta gave no id.",
    )
    origin = models.CharField(
        max_length=33,
        blank=True,
        editable=False,
        help_text="The ledger item shown: how good a witness it is, and its fingerprint.",
    )
    ledger_keys = models.JSONField(
        default=list,
        editable=False,
        help_text="Fingerprints of all ledger items that hold content of this message.",
    )
    direction = models.CharField(max_length=16, choices=Direction)
    source = models.CharField(max_length=16, choices=Source)
    kind = models.CharField(
        max_length=32, help_text="text, Meta's word of its attachments, mixed or unsupported."
    )
    text = models.TextField(blank=True)
    sent_at = models.DateTimeField(help_text="Meta's clock.")
    received_at = models.DateTimeField(help_text="Our clock.")
    reply_to_mid = models.CharField("reply to message id", max_length=512, blank=True)
    story = models.JSONField(null=True, blank=True, help_text="The story replied to: id and url.")
    quick_reply_payload = models.TextField(blank=True)
    postback = models.JSONField(null=True, blank=True)
    referral = models.JSONField(null=True, blank=True, help_text="The ad or link that led here.")
    original_text = models.TextField(blank=True, help_text="The text before the first edit.")
    edits = models.PositiveSmallIntegerField(
        default=0, help_text="Meta's number of the edit shown."
    )
    edited_at = models.DateTimeField(null=True, blank=True)
    unsent_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(
        null=True, blank=True, help_text="When the customer read up to this very message."
    )
    status = models.CharField(max_length=16, choices=Status, default=Status.RECEIVED)
    error_code = models.CharField(max_length=32, blank=True)
    error_text = models.TextField(blank=True)
    error_action = models.TextField(blank=True, db_default="", help_text="What to do about it.")
    tag = models.CharField(max_length=32, blank=True)
    author = models.CharField(max_length=16, choices=Author, blank=True, db_default="")
    quick_replies = models.JSONField(
        null=True, blank=True, help_text="Answers to tap: a list of title and payload."
    )
    template = models.JSONField(null=True, blank=True, help_text="Meta's payload of a template.")
    send_policy = models.JSONField(
        null=True, blank=True, editable=False, help_text="Why it was allowed to go out."
    )
    send_attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    send_started_at = models.DateTimeField(
        null=True, blank=True, help_text="When the latest call to Meta began."
    )
    first_part = models.ForeignKey(
        "self",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="later_parts",
        help_text="The first message of the same answer, where it took several.",
    )
    part = models.PositiveSmallIntegerField(default=1, db_default=1)
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    client_reference = models.CharField(  # noqa: DJ001 - unique where given
        max_length=64, null=True, blank=True
    )

    class Meta:
        ordering = ["-sent_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "mid"], condition=Q(mid__isnull=False), name="message_once"
            ),
            models.UniqueConstraint(
                fields=["event_key"],
                condition=Q(event_key__isnull=False),
                name="message_without_mid_once",
            ),
            models.UniqueConstraint(
                fields=["account", "client_reference"],
                condition=Q(client_reference__isnull=False),
                name="message_reference_once",
            ),
        ]
        indexes = [
            models.Index(fields=["conversation", "-sent_at", "-id"], name="message_thread"),
            models.Index(fields=["account", "-sent_at", "-id"], name="message_of_account"),
            models.Index(fields=["-sent_at", "-id"], name="message_newest"),
            models.Index(
                fields=["conversation"],
                name="message_unsettled",
                condition=Q(status__in=["queued", "sending", "unknown"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_direction_display()} {self.kind} {self.pk}"

    @property
    def delivery_status(self) -> str:
        """The status to show: what was sent is seen once the customer has read so far.

        Derived, not stored: one read receipt covers every earlier message.
        """
        seen_at = self.conversation.customer_seen_at
        is_seen = self.status == self.Status.SENT and seen_at and self.sent_at <= seen_at
        return self.Status.SEEN.value if is_seen else self.status


class MessageEdit(models.Model):
    """A later version of a message's text."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveSmallIntegerField(help_text="Meta's number of the edit, from 1.")
    text = models.TextField(blank=True)
    edited_at = models.DateTimeField(help_text="Meta's clock.")

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="edit_once_per_message")
        ]

    def __str__(self) -> str:
        return f"Edit {self.number} of message {self.message_id}"


def archive_path(_attachment: "Attachment", filename: str) -> str:
    """Return where a copy is kept: a random name of ours; `filename` gives the suffix only."""
    return f"instagram/{secrets.token_urlsafe(24)}{PurePosixPath(filename).suffix[:8]}"


class Attachment(models.Model):
    """Something attached to a message; we keep the link, and a copy only where told to."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="attachments")
    position = models.PositiveSmallIntegerField(default=0)
    type = models.CharField(max_length=32, help_text="Meta's word; new ones may appear any day.")
    url = models.TextField(blank=True)
    title = models.TextField(blank=True)
    media_id = models.CharField(max_length=255, blank=True)
    checked_at = models.DateTimeField(
        null=True, blank=True, help_text="When the link was last tried."
    )
    expired_at = models.DateTimeField(null=True, blank=True)
    upload = models.ForeignKey(
        Upload,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="attachments",
        help_text="The file staff sent, kept here.",
    )
    file = models.FileField(
        upload_to=archive_path,
        max_length=255,
        blank=True,
        help_text="Our own copy; only where INSTAGRAM_ARCHIVE_MEDIA is on, and never of stories.",
    )

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return f"{self.type} {self.pk}"


class Reaction(models.Model):
    """The latest reaction of one side to a message."""

    class Delivery(models.TextChoices):
        """How far a reaction of ours has come; empty for one Meta told of."""

        QUEUED = "queued", "Queued"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    message = models.ForeignKey(Message, models.CASCADE, related_name="reactions")
    actor_id = models.CharField(max_length=64, help_text="Meta's id of who reacted.")
    emoji = models.CharField(max_length=64, blank=True)
    reaction = models.CharField(max_length=32, blank=True)
    reacted_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    delivery = models.CharField(max_length=16, choices=Delivery, blank=True, db_default="")
    error_text = models.TextField(blank=True, db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "actor_id"], name="reaction_once_per_actor")
        ]

    def __str__(self) -> str:
        return self.emoji or self.reaction
