"""Links to our door for media; no page of the admin loads anything from elsewhere."""

from django.urls import reverse

from social_integrations.media.links import Link, safe_link
from social_integrations.models import Attachment


def media_link(attachment: Attachment) -> Link:
    """Return the way to our door and the host it leads on to; empty where there is nothing."""
    if attachment.upload_id:
        return Link(reverse("social_integrations:upload", args=[attachment.upload_id]), "")
    link = safe_link(attachment.url)
    if not attachment.file and not link.href:
        return Link("", "")
    door = reverse("social_integrations:media", args=[attachment.pk])
    return Link(door, "" if attachment.file else link.host)
