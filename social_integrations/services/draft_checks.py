"""What Meta takes of a draft's texts, quick replies and files; words for what it refuses."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from django.utils.translation import gettext

from social_integrations.exceptions import DraftError

from .draft_types import Draft, OutgoingFile, QuickReply
from .outgoing_media import TAKEN, refuse_suffix
from .public_links import check_link
from .templates import check_payload, check_template
from .texts import MAX_TEXT_BYTES, clean_line, clean_text, is_blank, is_id

MAX_PARTS = 20
MAX_IMAGES = 10
MAX_FILES = MAX_PARTS * MAX_IMAGES
MAX_QUICK_REPLIES = 13
MAX_QUICK_REPLY_TITLE = 20
MAX_MID = 512
MAX_NAME = 255
MAX_KEY = 2**63 - 1
NO_LONGER_TAKEN = frozenset({"user_phone_number", "user_email"})


def checked(draft: Draft) -> Draft:
    """Return the draft cleaned of what nobody can see; raise `DraftError` for what Meta refuses."""
    # Before anything looks at every character of it.
    if len(draft.text) > MAX_PARTS * MAX_TEXT_BYTES or len(draft.files) > MAX_FILES:
        raise too_long()
    text = clean_text(draft.text)
    return replace(
        draft,
        text="" if is_blank(text) else text,
        files=tuple(_checked_file(one) for one in draft.files),
        reply_to_mid=_checked_mid(draft.reply_to_mid),
        quick_replies=_checked_quick_replies(draft.quick_replies),
        template=None if draft.template is None else check_template(draft.template),
    )


def quote_gone() -> DraftError:
    """Return the refusal to quote a message that is not in the conversation, or not any more."""
    return DraftError(
        "reply_to",
        gettext("The message you quote cannot be quoted: it is not here, or was taken back."),
        gettext("Send your answer without the quote."),
    )


def upload_gone() -> DraftError:
    """Return the refusal of a file that is not there for whoever asks."""
    return DraftError(
        "upload_gone", gettext("A file you chose is no longer here."), gettext("Choose it again.")
    )


def too_long() -> DraftError:
    """Return the refusal of an answer that would become too many messages."""
    return DraftError(
        "too_long",
        gettext("This would become more than {count} messages.").format(count=MAX_PARTS),
        gettext("Shorten it, or send it in pieces."),
    )


def _checked_file(one: OutgoingFile) -> OutgoingFile:
    if one.type not in TAKEN:
        raise DraftError(
            "file_type",
            gettext("Instagram takes pictures, video, sound and PDF files."),
            gettext("Choose a file of one of these kinds."),
        )
    if (one.upload_id is None) == (not one.url):
        raise DraftError(
            "file",
            gettext("A file is either uploaded or given by its address."),
            gettext("Choose the file again."),
        )
    name = clean_line(one.name[:MAX_NAME])
    if one.upload_id is not None:
        if not 0 < one.upload_id <= MAX_KEY:
            raise upload_gone()
        return replace(one, name=name)
    url = check_link(one.url)
    refuse_suffix(urlsplit(url).path)
    return replace(one, url=url, name=name)


def _checked_mid(mid: str) -> str:
    """Return the id of the quoted message; one that could be nobody's is no id."""
    if mid and not is_id(mid, MAX_MID):
        raise DraftError(
            "reply_to",
            gettext("The message you quote is not known."),
            gettext("Send your answer without the quote."),
        )
    return mid


def _checked_quick_replies(replies: Sequence[QuickReply]) -> tuple[QuickReply, ...]:
    if len(replies) > MAX_QUICK_REPLIES:
        sentence = gettext("Instagram shows at most {count} quick replies.")
        raise DraftError(
            "quick_replies",
            sentence.format(count=MAX_QUICK_REPLIES),
            gettext("Take some of them away."),
        )
    return tuple(_checked_quick_reply(one) for one in replies)


def _checked_quick_reply(one: QuickReply) -> QuickReply:
    if one.content_type in NO_LONGER_TAKEN:
        raise DraftError(
            "quick_reply_type",
            gettext("Instagram no longer asks for phone numbers and e-mail addresses this way."),
            gettext("Ask for them in the text."),
        )
    if one.content_type != "text":
        raise DraftError(
            "quick_reply_type",
            gettext("Instagram takes quick replies made of text only."),
            gettext("Write the answer as text."),
        )
    title = clean_line(one.title) if len(one.title) < MAX_TEXT_BYTES else ""
    if is_blank(title) or len(title) > MAX_QUICK_REPLY_TITLE:
        sentence = gettext("A quick reply needs 1 to {limit} characters; Instagram cuts the rest.")
        raise DraftError(
            "quick_reply_title",
            sentence.format(limit=MAX_QUICK_REPLY_TITLE),
            gettext("Shorten it."),
        )
    return replace(one, title=title, payload=check_payload(one.payload or title))
