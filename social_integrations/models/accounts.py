"""Connected Instagram accounts and the consents that connect them."""

from django.conf import settings
from django.db import models

from social_integrations.fields import EncryptedTextField


class ConnectedAccount(models.Model):
    """An Instagram professional account connected to the CRM."""

    class Login(models.TextChoices):
        """The Meta product a connection was made through."""

        FACEBOOK = "facebook", "Facebook Login"
        INSTAGRAM = "instagram", "Instagram Login"

    class Status(models.TextChoices):
        """Whether the account can be used; receiving never depends on it."""

        CONNECTED = "connected", "Connected"
        REAUTH_REQUIRED = "reauth_required", "Needs to be connected again"
        DISCONNECTED = "disconnected", "Disconnected"

    instagram_account_id = models.CharField(
        max_length=64, unique=True, help_text="The account's id at Meta; webhooks name it."
    )
    app_scoped_id = models.CharField(
        max_length=64,
        blank=True,
        help_text="The account as this Meta app sees it (Instagram Login).",
    )
    login = models.CharField(max_length=16, choices=Login, default=Login.FACEBOOK)
    username = models.CharField(max_length=255, blank=True)
    name = models.CharField(max_length=255, blank=True)
    profile_picture_url = models.TextField(blank=True)
    page_id = models.CharField(max_length=64, blank=True, help_text="The linked Facebook Page.")
    page_name = models.CharField(max_length=255, blank=True)
    meta_user_id = models.CharField(
        max_length=64, blank=True, help_text="Who consented, as Meta names them to this app."
    )
    access_token = EncryptedTextField(
        blank=True,
        editable=False,
        bound_to="instagram_account_id",
        help_text="Encrypted; never shown.",
    )
    token_expires_at = models.DateTimeField(null=True, blank=True)
    token_refreshed_at = models.DateTimeField(
        null=True, blank=True, help_text="When Meta last replaced the token without a person."
    )
    token_checked_at = models.DateTimeField(
        null=True, blank=True, help_text="When Meta last confirmed the token."
    )
    refresh_leased_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Somebody is refreshing the token."
    )
    data_access_expires_at = models.DateTimeField(null=True, blank=True)
    granted_scopes = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.CONNECTED)
    status_reason = models.TextField(blank=True)
    status_action = models.TextField(blank=True, db_default="", help_text="What to do about it.")
    trouble = models.CharField(
        max_length=32, blank=True, db_default="", help_text="What is wrong, though it is connected."
    )
    trouble_at = models.DateTimeField(null=True, blank=True)
    access_withdrawn_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When whoever connected it agreed at Meta again and left this account out.",
    )
    connected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    connected_at = models.DateTimeField()
    webhook_subscribed_at = models.DateTimeField(null=True, blank=True)
    last_event_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "connected account"
        ordering = ["username", "id"]

    def __str__(self) -> str:
        return f"@{self.username}" if self.username else self.instagram_account_id

    def __repr__(self) -> str:
        return f"<ConnectedAccount {self.pk} {self.instagram_account_id}>"

    @property
    def is_active(self) -> bool:
        """Whether Meta still lets us act for this account."""
        return self.status == self.Status.CONNECTED


class OAuthAttempt(models.Model):
    """A consent somebody started: redeemed once, by the same person in the same browser."""

    state_hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    login = models.CharField(max_length=16, choices=ConnectedAccount.Login, blank=True)
    browser_hash = models.CharField(
        max_length=64, blank=True, help_text="Empty until a frontend's link was opened."
    )
    link_hash = models.CharField(
        max_length=64,
        null=True,
        blank=True,
        unique=True,
        editable=False,
        help_text="Set where a frontend asked for a link: the browser need not be signed in.",
    )
    redirect_target = models.TextField(blank=True, help_text="Where a frontend wants to return to.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "OAuth attempt"

    def __str__(self) -> str:
        return f"{self.get_login_display()} started {self.created_at:%Y-%m-%d %H:%M}"


class PendingGrant(models.Model):
    """What Meta granted, tokens included, until the person has chosen which accounts to connect."""

    attempt = models.OneToOneField(OAuthAttempt, models.CASCADE, related_name="grant")
    content = EncryptedTextField(editable=False, help_text="Encrypted; never shown.")
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "grant that waits for a choice"

    def __str__(self) -> str:
        return f"Grant {self.pk}"
