"""Files staff send: keep them, give Meta a link to fetch them by, and delete them in time."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import PurePosixPath

from django.contrib.auth.models import AbstractBaseUser
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from social_integrations.conf import app_settings
from social_integrations.exceptions import DraftError
from social_integrations.models import Attachment, ConnectedAccount, Conversation, Message, Upload
from social_integrations.models.uploads import upload_path

from .draft_checks import upload_gone
from .draft_types import OutgoingFile
from .files import delete_after_commit
from .hosting import check_format
from .locks import skip_locked
from .outgoing_media import HEAD_BYTES, recognise
from .texts import clean_line

logger = logging.getLogger(__name__)

SALT = "social_integrations.upload"
UNUSED_LIFE = timedelta(days=1)
MAX_UNUSED = 50
ROWS_PER_BATCH = 500


def store(
    *,
    account: ConnectedAccount,
    file: "File[bytes]",
    name: str,
    uploaded_by: AbstractBaseUser | None,
) -> Upload:
    """Keep a file that is to be sent; it goes again after a day if nobody does.

    Raises `DraftError` with words where Meta would not take it. Call it outside a transaction: a
    row that is rolled back would leave its file behind.
    """
    size = file.size or 0
    file.seek(0)
    found = recognise(file.read(HEAD_BYTES), name=name, size=size)
    check_format(account, found.format)
    file.seek(0)
    _refuse_a_heap(account, uploaded_by)
    upload = Upload(
        account=account,
        uploaded_by_id=uploaded_by.pk if uploaded_by else None,
        name=clean_name(name) or f"file{found.format.suffix}",
        type=found.type,
        content_type=found.format.content_type,
        size=size,
    )
    # The row comes first: a crash leaves no file nobody knows of.
    upload.file.name = upload_path(upload, f"file{found.format.suffix}")
    upload.save()
    _write(upload, file)
    return upload


def link_for(upload: Upload) -> str:
    """Return the address under which Meta fetches a file: signed, and good for an hour by default.

    Make it right before the call to Meta.
    """
    token = TimestampSigner(salt=SALT).sign(str(upload.pk))
    return app_settings.PUBLIC_ORIGIN + reverse("social_integrations:outgoing-file", args=[token])


def find_by_token(token: str) -> Upload | None:
    """Return the file a link of ours leads to; None where it is not ours, expired, or gone."""
    try:
        key = TimestampSigner(salt=SALT).unsign(token, max_age=app_settings.UPLOAD_LINK_SECONDS)
    except BadSignature:
        return None
    return Upload.objects.filter(pk=int(key)).first()


def open_file(upload: Upload) -> "File[bytes] | None":
    """Return the file, open for reading; None where the storage has none."""
    try:
        return default_storage.open(upload.file.name or "")
    except OSError:
        return None


def take(
    *,
    conversation: Conversation,
    files: Sequence[OutgoingFile],
    sent_by: AbstractBaseUser | None,
) -> tuple[OutgoingFile, ...]:
    """Return the files of a draft as their rows describe them, locked until they are attached.

    `conversation` is locked, with contact and account. Raises `DraftError` where a file is not
    there, is somebody else's or another account's (all the same to who asks), or was sent to
    somebody else.
    """
    wanted = {one.upload_id for one in files if one.upload_id is not None}
    if not wanted:
        return tuple(files)
    if not app_settings.PUBLIC_ORIGIN:
        raise DraftError(
            "no_public_address",
            gettext("Files cannot be sent: this server's public address is not known."),
            gettext("Ask whoever runs this server to set INSTAGRAM_PUBLIC_URL."),
        )
    found = Upload.objects.select_for_update().filter(account=conversation.contact.account_id)
    rows = {row.pk: row for row in found.filter(pk__in=wanted).order_by("pk")}
    sender = sent_by.pk if sent_by else None
    if wanted - rows.keys() or any(
        row.uploaded_by_id not in (None, sender) for row in rows.values()
    ):
        raise upload_gone()
    sent = Attachment.objects.filter(upload__in=wanted)
    if sent.exclude(message__conversation=conversation).exists():
        raise DraftError(
            "upload_used",
            gettext("A file you chose was already sent to somebody else."),
            gettext("Choose it again from your device."),
        )
    return tuple(_described(one, rows) for one in files)


def purge(messages: QuerySet[Message]) -> None:
    """Delete the files of messages that are unsent or erased, once the caller commits.

    Call it before the messages' rows are deleted, with the messages locked.
    """
    others = Attachment.objects.filter(upload=OuterRef("pk"), message__unsent_at=None)
    elsewhere = Exists(others.exclude(message__in=messages))
    held = Attachment.objects.filter(message__in=messages).values("upload")
    _delete(Upload.objects.filter(~elsewhere, pk__in=held), "files with their messages")


def purge_account(account: ConnectedAccount) -> None:
    """Delete all files of an account, once the caller commits."""
    _delete(Upload.objects.filter(account=account), "files with their account")


def prune() -> int:
    """Delete the files nobody sent within a day; return how many."""
    before, total = timezone.now() - UNUSED_LIFE, 0
    while True:
        with transaction.atomic():
            old = Upload.objects.filter(created_at__lt=before).filter(~_is_used())
            count = _delete_unused(skip_locked(old.order_by("pk")), "files nobody sent")
        total += count
        if not count:
            return total


def clean_name(name: str) -> str:
    """Return the name a file is shown under: its last part, without what deceives the eye."""
    return clean_line(PurePosixPath(name.replace("\\", "/")).name)[-255:]


def _write(upload: Upload, file: "File[bytes]") -> None:
    try:
        saved = default_storage.save(upload.file.name or "", file)
    except OSError as error:
        upload.delete()
        logger.error("A file could not be stored: %s", type(error).__name__)
        raise DraftError(
            "storage",
            gettext("The file could not be kept on this server."),
            gettext("Try again; if it stays so, tell whoever runs this server."),
        ) from error
    if saved != upload.file.name:
        upload.file.name = saved
        upload.save(update_fields=["file"])


def _refuse_a_heap(account: ConnectedAccount, user: AbstractBaseUser | None) -> None:
    """Refuse to fill the disk with files that are never sent."""
    own = Upload.objects.filter(account=account, uploaded_by_id=user.pk if user else None)
    if user and own.filter(~_is_used()).count() >= MAX_UNUSED:
        raise DraftError(
            "too_many_uploads",
            gettext("You have chosen {count} files that were not sent.").format(count=MAX_UNUSED),
            gettext("Send some of them; what is not sent goes after a day."),
        )


def _described(one: OutgoingFile, rows: dict[int, Upload]) -> OutgoingFile:
    if one.upload_id is None:
        return one
    row = rows[one.upload_id]
    return replace(one, type=row.type, name=row.name)


def _is_used() -> Exists:
    return Exists(Attachment.objects.filter(upload=OuterRef("pk")))


def _delete_unused(locked: QuerySet[Upload], reason: str) -> int:
    """Delete those of the locked files that are still unused: locking may have had to wait."""
    keys = list(locked.values_list("pk", flat=True)[:ROWS_PER_BATCH])
    return _delete(Upload.objects.filter(~_is_used(), pk__in=keys), reason)


def _delete(uploads: QuerySet[Upload], reason: str) -> int:
    rows = dict(uploads.values_list("pk", "file"))
    Upload.objects.filter(pk__in=rows).delete()
    delete_after_commit(list(rows.values()), reason=reason)
    return len(rows)
