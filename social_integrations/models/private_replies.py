"""Private replies to comments: the one way to write to somebody who has not written."""

from django.conf import settings
from django.db import models

from .accounts import ConnectedAccount
from .messages import Message


class PrivateReply(models.Model):
    """An answer to a comment, sent as a direct message; Meta allows one for each comment.

    Whom it reaches is known only once Meta has answered: then `message` is the row in their thread.
    """

    account = models.ForeignKey(ConnectedAccount, models.CASCADE, related_name="private_replies")
    comment_id = models.CharField("comment id", max_length=255)
    text = models.TextField()
    author = models.CharField(max_length=16, choices=Message.Author, default=Message.Author.HUMAN)
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    status = models.CharField(max_length=16, choices=Message.Status, default=Message.Status.QUEUED)
    send_started_at = models.DateTimeField(null=True, blank=True)
    send_attempts = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=32, blank=True)
    error_text = models.TextField(blank=True)
    error_action = models.TextField(blank=True)
    message = models.OneToOneField(
        Message, models.SET_NULL, null=True, blank=True, related_name="private_reply"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "private reply"
        verbose_name_plural = "private replies"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "comment_id"], name="private_reply_once_per_comment"
            )
        ]

    def __str__(self) -> str:
        return f"Private reply {self.pk}"
