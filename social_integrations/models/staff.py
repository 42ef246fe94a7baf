"""What staff write for themselves: notes beside a conversation, and canned replies."""

from django.conf import settings
from django.db import models

from .accounts import ConnectedAccount
from .conversations import Conversation


class Note(models.Model):
    """An internal note in a conversation; it never leaves the CRM."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return f"Note {self.pk}"


class CannedReply(models.Model):
    """A canned reply, for one account or for all."""

    account = models.ForeignKey(
        ConnectedAccount,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="canned_replies",
        help_text="Empty: offered in every account.",
    )
    shortcut = models.SlugField(max_length=32, help_text="Typed after a slash in the composer.")
    title = models.CharField(max_length=120)
    text = models.TextField(
        help_text="May hold variables such as {{ name }}; they are filled in when it is inserted."
    )

    class Meta:
        verbose_name = "canned reply"
        verbose_name_plural = "canned replies"
        ordering = ["shortcut", "id"]

    def __str__(self) -> str:
        return f"/{self.shortcut}"
