"""Tags of the inbox's composer and contact panel, so that a host's own templates can hold them."""

import re
from datetime import datetime
from typing import Any

from django import template
from django.utils.translation import gettext

from social_integrations.access import access_policy
from social_integrations.models import CannedReply, Contact, Conversation
from social_integrations.selectors import canned_replies
from social_integrations.services.canned import fill
from social_integrations.services.colleagues import assignable, person_name
from social_integrations.services.crm_records import CrmRecord, crm_record
from social_integrations.services.gestures import takes_any_emoji
from social_integrations.showing import one_line
from social_integrations.views.inbox.composer import Composer, empty_composer

register = template.Library()

register.filter("one_line", one_line)
# The heart first: through Facebook Login Instagram takes no other.
EMOJI = ("❤️", "👍", "😆", "😮", "😢", "😡", "🔥", "👏")


@register.simple_tag
def composer_for(conversation: Conversation) -> Composer:
    """Return the empty composer of a conversation."""
    return empty_composer(conversation)


@register.simple_tag
def crm_record_of(conversation: Conversation) -> CrmRecord | None:
    """Return the host CRM's record of the contact."""
    return crm_record(conversation.contact)


@register.simple_tag
def colleagues_for(conversation: Conversation) -> list[tuple[Any, str]]:
    """Return who may be given the conversation: keys and names."""
    return [(found.pk, person_name(found)) for found in assignable(conversation)]


@register.simple_tag
def may_answer(user: Any, conversation: Conversation) -> bool:
    """Return whether somebody may answer in a conversation."""
    return access_policy().may_send(user, conversation)


@register.simple_tag
def may_change(user: Any, conversation: Conversation) -> bool:
    """Return whether somebody may assign, close and annotate a conversation."""
    return access_policy().may_change(user, conversation)


@register.simple_tag
def reaction_choices(conversation: Conversation) -> list[tuple[str, str]]:
    """Return the emoji one may react with through this account's connection, with their labels."""
    found = EMOJI if takes_any_emoji(conversation.contact.account) else EMOJI[:1]
    words = gettext("React with {emoji}")
    return [(emoji, words.format(emoji=emoji)) for emoji in found]


register.filter("person_name", person_name)

# Meta: letters, digits, dots and underscores; anything else is no name of Instagram's.
USERNAME = re.compile(r"[A-Za-z0-9._]{1,64}", re.ASCII)


@register.simple_tag
def instagram_profile(contact: Contact) -> str:
    """Return the address of somebody's profile at Instagram, nothing where the name is odd."""
    name = contact.username
    return f"https://www.instagram.com/{name}/" if USERNAME.fullmatch(name) else ""


@register.simple_tag
def first_contact(conversation: Conversation) -> datetime | None:
    """Return when the first message here was sent."""
    dated = conversation.messages.order_by("sent_at", "id")
    return dated.values_list("sent_at", flat=True).first()


@register.simple_tag
def canned_for(user: Any, conversation: Conversation) -> list[dict[str, str]]:
    """Return the canned replies for a conversation, their variables filled in."""
    found = canned_replies(user, conversation.contact.account_id)
    return [_filled(reply, conversation, user) for reply in found]


def _filled(reply: CannedReply, conversation: Conversation, user: Any) -> dict[str, str]:
    filled = fill(reply.text, conversation=conversation, agent=user)
    return {
        "shortcut": reply.shortcut,
        "title": reply.title,
        "text": filled.text,
        "gaps": ", ".join((*filled.empty, *filled.unknown)),
    }
