"""What somebody typed and chose in the composer, read from the form as it came."""

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from social_integrations.models import Conversation, Message, Upload
from social_integrations.services.draft_checks import quote_gone, upload_gone
from social_integrations.services.drafts import MAX_PARTS, Draft, OutgoingFile, QuickReply

KEY = re.compile(r"[0-9]{1,18}", re.ASCII)
REFERENCE = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
MOST_QUICK_REPLIES = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """One filled-in composer."""

    text: str = ""
    upload_ids: tuple[int, ...] = ()
    quick_replies: tuple[QuickReply, ...] = ()
    reply_to: int | None = None
    reference: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Makes sending it twice harmless; a new one for every answer."""
    seen: int = 0
    """The newest message there was when the composer was shown."""
    parts: int = 0
    """How many messages the sender was shown this would become; 0 for not shown."""


def read_typed(request: HttpRequest) -> Typed:
    """Return what the form holds; what cannot be read counts as left empty."""
    given = request.POST
    reference = given.get("client_reference", "")
    return Typed(
        text=given.get("text", "").replace("\r\n", "\n"),
        upload_ids=tuple(
            dict.fromkeys(number for text in given.getlist("upload") if (number := _number(text)))
        )[:MAX_PARTS],
        quick_replies=_quick_replies(
            given.getlist("quick_reply_title"), given.getlist("quick_reply_payload")
        ),
        reply_to=_number(given.get("reply_to", "")) or None,
        reference=reference if REFERENCE.fullmatch(reference) else uuid.uuid4().hex,
        seen=_number(given.get("seen", "")),
        parts=_number(given.get("parts", "")),
    )


def chosen_uploads(typed: Typed, conversation: Conversation, user_id: Any) -> list[Upload]:
    """Return the files chosen, in the order chosen; only one's own, of this account."""
    found = Upload.objects.filter(
        pk__in=typed.upload_ids, account=conversation.contact.account_id, uploaded_by=user_id
    ).in_bulk()
    return [found[key] for key in typed.upload_ids if key in found]


def quoted_message(typed: Typed, conversation: Conversation) -> Message | None:
    """Return the message that is answered, if it still stands in this conversation."""
    if typed.reply_to is None:
        return None
    standing = conversation.messages.filter(unsent_at=None, mid__isnull=False)
    return standing.filter(pk=typed.reply_to).first()


def make_draft(typed: Typed, uploads: list[Upload], quoted: Message | None) -> Draft:
    """Return the answer; raise `DraftError` where something chosen is no longer there."""
    if len(uploads) < len(typed.upload_ids):
        raise upload_gone()
    if typed.reply_to is not None and quoted is None:
        raise quote_gone()
    return Draft(
        text=typed.text,
        files=tuple(
            OutgoingFile(type=one.type, upload_id=one.pk, name=one.name) for one in uploads
        ),
        reply_to_mid=(quoted.mid or "") if quoted else "",
        quick_replies=typed.quick_replies,
    )


def _number(text: str) -> int:
    return int(text) if KEY.fullmatch(text) else 0


def _quick_replies(titles: list[str], payloads: list[str]) -> tuple[QuickReply, ...]:
    """Return the filled-in rows; a reply without a payload of its own comes back as its title."""
    rows = zip(titles, [*payloads, *[""] * len(titles)], strict=False)
    pairs = [(title.strip(), payload.strip()) for title, payload in rows]
    filled = [
        QuickReply(title=title, payload=payload or title) for title, payload in pairs if title
    ]
    return tuple(filled[:MOST_QUICK_REPLIES])
