"""Files staff send."""

import secrets
from pathlib import PurePosixPath

from django.conf import settings
from django.db import models

from .accounts import ConnectedAccount


def upload_path(_upload: "Upload", filename: str) -> str:
    """Return where a file is kept: a random name of ours; `filename` gives the suffix only."""
    return f"instagram/sent/{secrets.token_urlsafe(24)}{PurePosixPath(filename).suffix[:8]}"


class Upload(models.Model):
    """A file somebody is sending, or has sent, through an account."""

    account = models.ForeignKey(ConnectedAccount, models.CASCADE, related_name="uploads")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    file = models.FileField(upload_to=upload_path, max_length=255)
    name = models.CharField(max_length=255, help_text="What it was called on the sender's device.")
    type = models.CharField(max_length=16, help_text="Meta's word: image, video, audio or file.")
    content_type = models.CharField(max_length=64, help_text="Read from the file itself.")
    size = models.PositiveBigIntegerField(help_text="In bytes.")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.type} {self.pk}"
