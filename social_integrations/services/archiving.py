"""Our own copies of media: made where the operator says so, deleted with their messages."""

import logging
from collections.abc import Iterable, Sequence

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from social_integrations.conf import app_settings
from social_integrations.exceptions import (
    MediaError,
    MediaGoneError,
    MediaRefusedError,
    MediaUnavailableError,
)
from social_integrations.media.fetching import Limits, download
from social_integrations.media.links import read_target
from social_integrations.media.sniffing import SNIFFED_BYTES, MediaType, sniff
from social_integrations.models import Attachment, Message
from social_integrations.models.messages import archive_path

from . import uploads
from .files import delete_after_commit
from .jobs import ARCHIVE_MEDIA, NewJob, enqueue_all

logger = logging.getLogger(__name__)

# What people send of their own. Meta forbids keeping stories; posts and reels are somebody else's.
ARCHIVED_TYPES = frozenset({"image", "video", "audio", "file"})


def enqueue_archiving(attachments: Iterable[Attachment]) -> None:
    """Ask for copies of new attachments, in the caller's transaction; nothing while switched off.

    Reads `attachment.message` of those that come into question.
    """
    if not app_settings.ARCHIVE_MEDIA:
        return
    enqueue_all(
        NewJob(ARCHIVE_MEDIA, {"attachment": one.pk}, f"{ARCHIVE_MEDIA}:{one.pk}")
        for one in attachments
        if may_be_archived(one)
    )


def may_be_archived(attachment: Attachment) -> bool:
    """Return whether Meta's rules let an operator keep a copy: never of anything about a story."""
    if attachment.type not in ARCHIVED_TYPES or not attachment.url:
        return False
    return attachment.message.story is None and attachment.message.unsent_at is None


def archive_attachment(*, attachment_id: int) -> None:
    """Keep a copy of one attachment; doing it again makes the same copy in the same place.

    What cannot or may not be had is told in the log and left. Raises `MediaUnavailableError` where
    another try may help. Must run outside a transaction.
    """
    found = Attachment.objects.select_related("message").filter(pk=attachment_id)
    attachment = found.first()
    if attachment is None or not app_settings.ARCHIVE_MEDIA or not may_be_archived(attachment):
        return
    try:
        content, kind = _download(attachment.url)
    except MediaUnavailableError:
        raise
    except MediaError as error:
        if isinstance(error, MediaGoneError):
            found.filter(url=attachment.url).update(expired_at=timezone.now())
        logger.warning("No copy of attachment %s: %s", attachment_id, error)
    else:
        _keep(attachment, content, kind)


@transaction.atomic
def purge_copies(messages: QuerySet[Message] | Sequence[Message]) -> None:
    """Delete the files of messages that are unsent or erased, once the caller's changes commit.

    Copies of what people sent as well as what staff uploaded. Call it before the rows are deleted.
    """
    # A copy being made notes its name under the same lock, so none slips through.
    given = (
        messages
        if isinstance(messages, QuerySet)
        else Message.objects.filter(pk__in=[message.pk for message in messages])
    )
    locked = given.order_by("pk").select_for_update()
    ids = list(locked.values_list("pk", flat=True))
    uploads.purge(given)
    copies = Attachment.objects.filter(message__in=given).exclude(file="")
    names = list(copies.values_list("file", flat=True))
    if names:
        copies.update(file="")
        delete_after_commit(names, reason=f"copies of media with {len(ids)} messages")


def _download(url: str) -> tuple[bytes, MediaType]:
    limits = Limits(max_bytes=app_settings.MEDIA_MAX_BYTES)
    content = download(read_target(url, app_settings.MEDIA_HOSTS), limits)
    kind = sniff(content[:SNIFFED_BYTES])
    if kind is None:
        raise MediaRefusedError("The file is not of a type that is kept.")
    return content, kind


def _keep(attachment: Attachment, content: bytes, kind: MediaType) -> None:
    """Write the copy under a name its row has first: a crash leaves no file nobody knows of."""
    before = attachment.file.name or ""
    name = before or archive_path(attachment, f"copy{kind.suffix}")
    if not _note_name(attachment, before, name):
        return
    default_storage.delete(name)  # what a killed worker may have written in part
    saved = default_storage.save(name, ContentFile(content))
    if not _note_name(attachment, name, saved):
        default_storage.delete(saved)


@transaction.atomic
def _note_name(attachment: Attachment, before: str, name: str) -> bool:
    """Put the copy's name on its row, unless the message was unsent or erased meanwhile."""
    message = Message.objects.select_for_update().filter(pk=attachment.message_id, unsent_at=None)
    if not message.values_list("pk").first():
        return False
    return bool(Attachment.objects.filter(pk=attachment.pk, file=before).update(file=name))
