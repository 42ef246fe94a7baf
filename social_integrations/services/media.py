"""Media behind Meta's links: find the way to it for a person, and fresh links once one has died."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.core.files import File
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from social_integrations.conf import app_settings
from social_integrations.exceptions import (
    GraphRefusedError,
    MediaError,
    MediaGoneError,
    TokenDecryptionError,
    UnsafeLinkError,
)
from social_integrations.graph.errors import explain
from social_integrations.graph.media_links import SOURCES, fetch_links
from social_integrations.media.fetching import Limits, Stream, check_link, open_stream
from social_integrations.media.links import read_target
from social_integrations.media.sniffing import SNIFFED_BYTES, MediaType, sniff
from social_integrations.models import Attachment, ConnectedAccount, Message

from .clients import client_for_account
from .jobs import REREAD_MEDIA, NewJob, enqueue_all

CHECK_FLOOR = timedelta(minutes=10)


class Way(StrEnum):
    """How a person gets to an attachment."""

    LINK = "link"
    """Meta's link, as it is."""
    EXPIRED = "expired"
    """Meta no longer serves it."""
    BY_HAND = "by_hand"
    """The link leads to a host we neither ask nor send anybody to."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Our own copy, open for reading, and what it is."""

    file: "File[bytes]"  # Django's class cannot be subscripted at run time
    kind: MediaType


def open_copy(attachment: Attachment) -> Copy | None:
    """Return our own copy; None where there is none, or none that can be read."""
    if not attachment.file.name:
        return None
    try:
        file = attachment.file.storage.open(attachment.file.name)
        kind = sniff(file.read(SNIFFED_BYTES))
        file.seek(0)
    except OSError:
        return None  # not written yet, or lost: Meta's link may still work
    if kind is None:
        file.close()
        return None
    return Copy(file, kind)


def find_way(attachment: Attachment) -> Way:
    """Find out how to get to the attachment at Meta, asking its host every ten minutes at most.

    A link that turns out dead is marked, and a fresh one is asked for in the background. Trouble
    in the network is no reason to keep anybody from trying. Must run outside a transaction.
    """
    try:
        target = read_target(attachment.url, app_settings.MEDIA_HOSTS)
        if _claim_check(attachment):
            check_link(target)
            _note_alive(attachment)
            return Way.LINK
    except UnsafeLinkError:
        _rows_of(attachment).update(checked_at=None)
        return Way.BY_HAND
    except MediaGoneError:
        _note_dead(attachment)
        return Way.EXPIRED
    except MediaError:
        pass
    if attachment.expired_at is None:
        return Way.LINK
    _want_fresh_links(attachment)
    return Way.EXPIRED


def stream_link(url: str, *, byte_range: str = "") -> Stream:
    """Return what one of Meta's links leads to, to be passed on and not kept.

    Raises `UnsafeLinkError` for a link to anywhere else, `MediaGoneError` for a dead one, and
    another `MediaError` where nothing can be had now. Must run outside a transaction.
    """
    target = read_target(url, app_settings.MEDIA_HOSTS)
    limits = Limits(max_bytes=app_settings.MEDIA_MAX_BYTES)
    return open_stream(target, byte_range=byte_range, limits=limits)


def stream_attachment(attachment: Attachment, *, byte_range: str = "") -> Stream:
    """Return an attachment's content as `stream_link` does, and note whether its link works."""
    try:
        stream = stream_link(attachment.url, byte_range=byte_range)
    except MediaGoneError:
        _note_dead(attachment)
        raise
    _note_alive(attachment)
    return stream


def is_rereadable(attachment: Attachment) -> bool:
    """Return whether Meta can be asked for a fresh link."""
    return attachment.type in SOURCES and bool(attachment.message.mid)


def refresh_media(*, message_id: int) -> None:
    """Ask Meta for the links of a message again, and put them on its attachments.

    Quiet where nothing can be had: the message is gone or unsent, Meta shows it no longer (it is
    not among the 20 newest of its conversation), or the account's token does not work. Raises
    GraphError where another try may help. Must run outside a transaction.
    """
    message = Message.objects.filter(pk=message_id, unsent_at=None).exclude(mid=None).first()
    if message is None or not message.mid:
        return
    try:
        account = ConnectedAccount.objects.get(pk=message.account_id)
        if not account.access_token:
            return
        links = fetch_links(client_for_account(account), message.mid)
    except TokenDecryptionError:
        return
    except GraphRefusedError as error:
        if explain(error.code, error.subcode).retryable:
            raise
        return
    for attachment, link in _matched(message.attachments.order_by("position", "id"), links):
        _put_link(attachment, link)


def _matched(
    attachments: Iterable[Attachment], links: dict[str, list[str]]
) -> Iterable[tuple[Attachment, str]]:
    """Pair attachments with links of their kind, in order; with other numbers nothing fits."""
    by_source: dict[str, list[Attachment]] = {}
    for attachment in attachments:
        by_source.setdefault(SOURCES.get(attachment.type, ""), []).append(attachment)
    for source, found in by_source.items():
        if len(found) == len(links.get(source, [])):
            yield from zip(found, links[source], strict=True)


def _put_link(attachment: Attachment, link: str) -> None:
    """Replace a link, unless somebody did before or the message was unsent; the same is no news."""
    if link != attachment.url:
        _rows_of(attachment).filter(message__unsent_at=None).update(
            url=link, expired_at=None, checked_at=None
        )


def _rows_of(attachment: Attachment) -> QuerySet[Attachment]:
    """Return the row only while it has the link we know."""
    return Attachment.objects.filter(pk=attachment.pk, url=attachment.url)


def _claim_check(attachment: Attachment) -> bool:
    """Return whether it is time to ask the host, to one caller only."""
    now = timezone.now()
    due = Q(checked_at=None) | Q(checked_at__lt=now - CHECK_FLOOR)
    return bool(_rows_of(attachment).filter(due).update(checked_at=now))


def _note_alive(attachment: Attachment) -> None:
    if attachment.expired_at:
        _rows_of(attachment).update(expired_at=None)


@transaction.atomic
def _note_dead(attachment: Attachment) -> None:
    _rows_of(attachment).filter(expired_at=None).update(expired_at=timezone.now())
    _want_fresh_links(attachment)


def _want_fresh_links(attachment: Attachment) -> None:
    """Ask for the links of its message in the background, once an hour at most."""
    if is_rereadable(attachment):
        message = attachment.message_id
        key = f"{REREAD_MEDIA}:{message}:{timezone.now():%Y-%m-%dT%H}"
        enqueue_all([NewJob(REREAD_MEDIA, {"message": message}, key)])
