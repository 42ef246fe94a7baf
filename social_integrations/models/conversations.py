"""People who write to a connected account, and their threads."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from social_integrations.conf import app_settings

from .accounts import ConnectedAccount

# The customer's newest message is newer than what staff have read.
UNREAD = Q(staff_read_at__isnull=True, last_inbound_at__isnull=False) | Q(
    last_inbound_at__gt=F("staff_read_at")
)


class Contact(models.Model):
    """A person as one connected account sees them (Meta's ids are scoped to the account)."""

    class ProfileState(models.TextChoices):
        """How far fetching the person's profile has come."""

        PENDING = "pending", "Not fetched yet"
        FETCHED = "fetched", "Fetched"
        UNAVAILABLE = "unavailable", "Not available from Meta"

    account = models.ForeignKey(ConnectedAccount, models.CASCADE, related_name="contacts")
    igsid = models.CharField("Instagram-scoped id", max_length=64)
    username = models.CharField(max_length=255, blank=True)
    name = models.CharField(max_length=255, blank=True)
    profile_picture_url = models.TextField(blank=True)
    profile_fetched_at = models.DateTimeField(null=True, blank=True)
    profile_state = models.CharField(
        max_length=16, choices=ProfileState, default=ProfileState.PENDING
    )
    crm_reference = models.CharField(
        "CRM reference",
        max_length=255,
        blank=True,
        help_text="Your CRM's own record of this person, if any.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "igsid"], name="contact_once_per_account")
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """The best name we have: name, else @username, else the end of the id."""
        if self.name:
            return self.name
        return f"@{self.username}" if self.username else f"Instagram user ‥{self.igsid[-4:]}"


class Conversation(models.Model):
    """The thread with one contact."""

    class Status(models.TextChoices):
        """Whether staff still have to do something."""

        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    contact = models.OneToOneField(Contact, models.CASCADE, related_name="conversation")
    status = models.CharField(max_length=16, choices=Status, default=Status.OPEN)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    closed_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was closed; a later message opens it again."
    )
    changed_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        db_index=True,
        help_text="When anything shown of it last changed, by our clock.",
    )
    last_message_at = models.DateTimeField(null=True, blank=True)
    last_inbound_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the customer last did what opens Meta's window for answers.",
    )
    customer_seen_at = models.DateTimeField(null=True, blank=True)
    staff_read_at = models.DateTimeField(null=True, blank=True)
    thread_owner = models.CharField(
        max_length=64, blank=True, help_text="The Meta app in control of the thread, if named."
    )
    thread_owner_at = models.DateTimeField(null=True, blank=True)
    last_standby_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="The newest message that came while another app held the thread.",
    )

    class Meta:
        indexes = [
            models.Index(fields=["-last_message_at", "-id"], name="conversation_newest"),
            models.Index(
                fields=["status", "-last_message_at", "-id"], name="conversation_by_status"
            ),
            models.Index(
                fields=["assigned_to", "-last_message_at", "-id"], name="conversation_by_assignee"
            ),
            models.Index(
                fields=["-last_message_at", "-id"], name="conversation_unread", condition=UNREAD
            ),
        ]

    def __str__(self) -> str:
        return f"Conversation with {self.contact}"

    @property
    def in_standby(self) -> bool:
        """Whether another app holds the thread: the newest message came in standby.

        Unless control was passed to this app after that, or taken.
        """
        standby_at, newest_at = self.last_standby_at, self.last_message_at
        if standby_at is None or newest_at is None or standby_at < newest_at:
            return False
        ours = self.thread_owner in (app_settings.APP_ID, app_settings.LOGIN_APP_ID)
        is_later = self.thread_owner_at is not None and self.thread_owner_at > standby_at
        return not (self.thread_owner and ours and is_later)
