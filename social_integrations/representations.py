"""What conversations and messages look like as JSON: one shape for API, exports and host code.

Nothing here depends on the order in which events arrived, except `id` and `received_at`.
"""

from typing import Any

from .models import Attachment, Contact, Conversation, Message, Reaction

JSONObject = dict[str, Any]


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
    }


def attachment_json(attachment: Attachment) -> JSONObject:
    """Return an attachment; `url` is Meta's signed link, never altered."""
    return {
        "id": attachment.pk,
        "type": attachment.type,
        "url": attachment.url,
        "title": attachment.title,
        "expired": attachment.expired_at is not None,
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
    return {"code": message.error_code, "message": message.error_text}
