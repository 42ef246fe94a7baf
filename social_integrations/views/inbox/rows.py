"""The rows of the conversation list."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2s

from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from social_integrations.models import Contact, Conversation, Message
from social_integrations.selectors import ConversationRow
from social_integrations.services.colleagues import person_name
from social_integrations.services.send_policy import Decision, Verdict
from social_integrations.services.sending import policy_for
from social_integrations.showing import one_line

from .bubbles import NAME_LENGTH, sender_of, snippet
from .queries import Marks, marks_of

CLOSING_SOON = timedelta(hours=2)
COLOURS = 6
GEORGIAN = re.compile("[\u10d0-\u10ff]")
WEEK = 7
MOST_UNREAD = 99
SNIPPET_LENGTH = 90
# Why no answer is possible, in a word or two; the composer says it in sentences.
REFUSED = {
    "never_opened": gettext_lazy("Wait for them to write"),
    "held_elsewhere": gettext_lazy("Another app answers"),
    "account_gone": gettext_lazy("Disconnected"),
}


@dataclass(frozen=True, slots=True)
class Window:
    """Whether Instagram allows an answer: open, closing, human or closed."""

    state: str
    label: str
    closes_at: datetime | None
    human_until: datetime | None


@dataclass(frozen=True, slots=True)
class Face:
    """A person's picture through our door, and the letters to show without it."""

    src: str
    initials: str
    colour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One conversation."""

    pk: int
    name: str
    face: Face
    snippet: str
    prefix: str
    at: datetime | None
    when: str
    unread: str
    account: str
    assignee: str
    is_mine: bool
    is_closed: bool
    window: Window
    trouble: str
    """failed, unknown, or empty."""

    @property
    def version(self) -> str:
        """A fingerprint of everything shown; minutes left to answer are the script's."""
        return blake2s(repr(self).encode("utf-8", "replace"), digest_size=8).hexdigest()


def rows_of(
    found: Sequence[ConversationRow],
    user: PermissionsMixin | AnonymousUser,
    *,
    names_accounts: bool,
) -> list[Row]:
    """Lay out conversations of the list: one statement more, for any number."""
    marks = marks_of([one.conversation for one in found])
    return [
        _row(one, marks.get(one.conversation.pk, Marks()), user, names_accounts=names_accounts)
        for one in found
    ]


def _row(
    found: ConversationRow,
    marks: Marks,
    user: PermissionsMixin | AnonymousUser,
    *,
    names_accounts: bool,
) -> Row:
    conversation = found.conversation
    contact = conversation.contact
    return Row(
        pk=conversation.pk,
        name=one_line(contact.display_name, NAME_LENGTH),
        face=face(contact),
        snippet=_snippet(found.last_message, marks),
        prefix=_("Note:") if marks.note else _prefix(found.last_message, user),
        at=conversation.last_message_at,
        when=short_time(conversation.last_message_at),
        unread=_number(found.unread_count),
        account=one_line(contact.account, NAME_LENGTH) if names_accounts else "",
        assignee=_assignee(conversation),
        is_mine=conversation.assigned_to_id is not None and conversation.assigned_to_id == user.pk,
        is_closed=conversation.status == Conversation.Status.CLOSED,
        window=window(policy_for(conversation)),
        trouble="unknown" if marks.has_unknown else ("failed" if marks.has_failed else ""),
    )


def window(decision: Decision) -> Window:
    """Put a decision of the send policy into a word or two."""
    human = decision.verdict == Verdict.HUMAN_AGENT
    if not decision.is_allowed:
        return Window("closed", str(REFUSED.get(decision.code, _("Time is up"))), None, None)
    if human:
        return Window("human", _("People only"), None, decision.human_agent_until)
    soon = decision.closes_at and decision.closes_at - timezone.now() < CLOSING_SOON
    return Window(
        "closing" if soon else "open",
        _("Closes soon") if soon else _("Open"),
        decision.closes_at,
        decision.human_agent_until,
    )


def face(contact: Contact) -> Face:
    """Return a contact's picture, or their letters on one of a few colours."""
    has_picture = contact.profile_picture_url.startswith(("https://", "http://"))
    src = reverse("instagram_inbox:picture", args=[contact.pk]) if has_picture else ""
    return Face(src, initials(contact), (contact.pk or 0) % COLOURS)


def initials(contact: Contact) -> str:
    """Return up to two letters of a name; a question mark where there is none."""
    words = [word for word in (contact.name or contact.username).replace(".", " ").split() if word]
    letters = "".join(word[0] for word in words[:2] if word[0].isalnum())
    # Georgian capitals exist since 2018 only, and hardly any font has them.
    return "".join(one if GEORGIAN.match(one) else one.upper() for one in letters) or "?"


def short_time(at: datetime | None) -> str:
    """Return a moment as briefly as it can be told: the time today, then the day, then the date."""
    if at is None:
        return ""
    local, today = timezone.localtime(at), timezone.localdate()
    days = (today - local.date()).days
    if days == 0:
        return formats.time_format(local, "TIME_FORMAT")
    if 0 < days < WEEK:
        return formats.date_format(local, "D")
    return formats.date_format(
        local, "MONTH_DAY_FORMAT" if local.year == today.year else "SHORT_DATE_FORMAT"
    )


def _snippet(last: Message | None, marks: Marks) -> str:
    if marks.note:
        return one_line(marks.note, SNIPPET_LENGTH)
    return snippet(last, SNIPPET_LENGTH) if last else _("No messages yet")


def _prefix(message: Message | None, user: PermissionsMixin | AnonymousUser) -> str:
    """Return who wrote for the business: the reader, a colleague, automation, or the account."""
    if message is None or message.direction == Message.Direction.INBOUND:
        return ""
    if message.sent_by_id is not None and message.sent_by_id == user.pk:
        return _("You:")
    return f"{sender_of(message, message.conversation)}:"


def _number(unread: int) -> str:
    if not unread:
        return ""
    return f"{MOST_UNREAD}+" if unread > MOST_UNREAD else str(unread)


def _assignee(conversation: Conversation) -> str:
    person = conversation.assigned_to
    return one_line(person_name(person), NAME_LENGTH) if person else ""
