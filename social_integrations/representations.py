"""What conversations and messages look like as JSON: one shape for API, exports and host code.

Nothing here depends on the order in which events arrived, except `id` and `received_at`.
"""

from typing import Any

from .models import (
    Attachment,
    CannedReply,
    Contact,
    Conversation,
    Message,
    Note,
    PrivateReply,
    Reaction,
    Upload,
)
from .selectors import ConversationRow
from .services.draft_types import OutgoingFile, Part
from .services.outbox import policy_for
from .services.texts import byte_length

JSONObject = dict[str, Any]
SHORT_TEXT = 200


def message_json(message: Message) -> JSONObject:
    """Return a message; its conversation, attachments and reactions should be loaded with it."""
    return {
        "id": message.pk,
        "mid": message.mid,
        "conversation": message.conversation_id,
        "direction": message.direction,
        "source": message.source,
        "kind": message.kind,
        "text": message.text,
        "sent_at": message.sent_at,
        "received_at": message.received_at,
        "reply_to_mid": message.reply_to_mid or None,
        "story": message.story,
        "quick_reply_payload": message.quick_reply_payload or None,
        "postback": message.postback,
        "referral": message.referral,
        "attachments": [attachment_json(found) for found in message.attachments.all()],
        "reactions": _reactions(message),
        "edited_at": message.edited_at,
        "edits": message.edits,
        "versions": _versions(message),
        "unsent_at": message.unsent_at,
        "status": message.delivery_status,
        "error": _error(message),
        "sent_by": message.sent_by_id,
        "author": message.author or None,
        "client_reference": message.client_reference,
        "part": message.part,
        "first_part": message.first_part_id,
        "quick_replies": message.quick_replies,
        "template": message.template,
        "tag": message.tag or None,
        "policy": message.send_policy,
    }


def attachment_json(attachment: Attachment) -> JSONObject:
    """Return an attachment; `url` is Meta's signed link, never altered."""
    return {
        "id": attachment.pk,
        "type": attachment.type,
        "url": attachment.url,
        "title": attachment.title,
        "expired": attachment.expired_at is not None,
        "upload": attachment.upload_id,
    }


def contact_json(contact: Contact) -> JSONObject:
    """Return a person."""
    return {
        "id": contact.pk,
        "igsid": contact.igsid,
        "username": contact.username,
        "name": contact.name,
        "display_name": contact.display_name,
        "profile_picture_url": contact.profile_picture_url,
    }


def conversation_json(conversation: Conversation) -> JSONObject:
    """Return a conversation without its messages; the contact should be loaded with it."""
    return {
        "id": conversation.pk,
        "account": conversation.contact.account_id,
        "contact": contact_json(conversation.contact),
        "status": conversation.status,
        "assigned_to": conversation.assigned_to_id,
        "last_message_at": conversation.last_message_at,
        "last_inbound_at": conversation.last_inbound_at,
        "customer_seen_at": conversation.customer_seen_at,
        "thread_owner": conversation.thread_owner or None,
        "in_standby": conversation.in_standby,
    }


def row_json(row: ConversationRow) -> JSONObject:
    """Return a conversation as lists show it: with its newest message and Meta's window."""
    return {
        **conversation_json(row.conversation),
        "closed_at": row.conversation.closed_at,
        "last_message": short_json(row.last_message) if row.last_message else None,
        "unread_count": row.unread_count,
        "window": window_json(row.conversation),
    }


def short_json(message: Message) -> JSONObject:
    """Return of a message what a list shows; its conversation should be loaded with it."""
    return {
        "id": message.pk,
        "direction": message.direction,
        "source": message.source,
        "kind": message.kind,
        "text": message.text[:SHORT_TEXT],
        "sent_at": message.sent_at,
        "unsent_at": message.unsent_at,
        "status": message.delivery_status,
        "sent_by": message.sent_by_id,
    }


def window_json(conversation: Conversation) -> JSONObject:
    """Return whether a person may answer now, until when, and why not."""
    decision = policy_for(conversation)
    return {
        "open": decision.is_allowed,
        "closes_at": decision.closes_at,
        "human_agent_until": decision.human_agent_until,
        "verdict": decision.verdict.value,
        "reason": decision.code,
        "message": decision.sentence,
        "action": decision.action,
        "held": decision.is_held,
    }


def part_json(part: Part) -> JSONObject:
    """Return a message as it would be sent."""
    return {
        "kind": part.kind,
        "text": part.text,
        "bytes": byte_length(part.text),
        "files": [_file_json(one) for one in part.files],
        "reply_to_mid": part.reply_to_mid or None,
        "quick_replies": [
            {"title": reply.title, "payload": reply.payload} for reply in part.quick_replies
        ],
        "template": part.template,
    }


def upload_json(upload: Upload) -> JSONObject:
    """Return a file somebody is about to send."""
    return {
        "id": upload.pk,
        "account": upload.account_id,
        "type": upload.type,
        "content_type": upload.content_type,
        "name": upload.name,
        "size": upload.size,
        "created_at": upload.created_at,
    }


def note_json(note: Note) -> JSONObject:
    """Return an internal note."""
    return {
        "id": note.pk,
        "conversation": note.conversation_id,
        "author": note.author_id,
        "text": note.text,
        "created_at": note.created_at,
    }


def canned_json(reply: CannedReply) -> JSONObject:
    """Return a canned reply, its variables not filled in."""
    return {
        "id": reply.pk,
        "account": reply.account_id,
        "shortcut": reply.shortcut,
        "title": reply.title,
        "text": reply.text,
    }


def private_reply_json(reply: PrivateReply) -> JSONObject:
    """Return an answer to a comment; `message` is known once Meta has named the person."""
    error = {
        "code": reply.error_code,
        "message": reply.error_text,
        "action": reply.error_action,
    }
    return {
        "id": reply.pk,
        "account": reply.account_id,
        "comment_id": reply.comment_id,
        "text": reply.text,
        "status": reply.status,
        "error": error if reply.error_code or reply.error_text else None,
        "message": reply.message_id,
        "sent_by": reply.sent_by_id,
        "created_at": reply.created_at,
    }


def _file_json(file: OutgoingFile) -> JSONObject:
    return {"type": file.type, "upload": file.upload_id, "url": file.url, "name": file.name}


def _reactions(message: Message) -> list[JSONObject]:
    living = [found for found in message.reactions.all() if not found.removed_at]
    return [_reaction(message, found) for found in sorted(living, key=lambda one: one.actor_id)]


def _reaction(message: Message, reaction: Reaction) -> JSONObject:
    is_customer = reaction.actor_id == message.conversation.contact.igsid
    return {
        "by": "customer" if is_customer else "business",
        "emoji": reaction.emoji,
        "reaction": reaction.reaction,
    }


def _versions(message: Message) -> list[JSONObject]:
    """Return every text the message had, the first one first; empty if it was never edited."""
    if not message.edits:
        return []
    first = {"number": 0, "text": message.original_text, "edited_at": None}
    later = [
        {"number": found.number, "text": found.text, "edited_at": found.edited_at}
        for found in message.versions.all()
    ]
    return [first, *later]


def _error(message: Message) -> JSONObject | None:
    if not message.error_code and not message.error_text:
        return None
    return {
        "code": message.error_code,
        "message": message.error_text,
        "action": message.error_action,
    }
