"""Who else is at a conversation: answers and writing of colleagues, so that two do not collide."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import Q, QuerySet
from django.utils import timezone

from social_integrations.access import READ, VIEW, AccessPolicy, access_policy
from social_integrations.models import Conversation, Message

WRITING_SECONDS = 15
# How often the customer is told that somebody writes; Instagram shows it for about that long.
SHOW_SECONDS = 12
# How many of the newest messages are looked at.
RECENT = 50
MOST_COLLEAGUES = 200
MOST_ASKED = 50


@dataclass(frozen=True, slots=True)
class Answered:
    """A colleague's answer the writer had not seen."""

    name: str
    """Empty where Instagram does not say who it was."""
    sent_at: datetime
    text: str


def answered_since(conversation: Conversation, user_id: Any, seen: int) -> Answered | None:
    """Return the newest answer of somebody else's that was not there yet at message `seen`.

    Automation does not count: it answers nothing a person would. Nor does older history that was
    imported meanwhile: it stands above what was seen.
    """
    recent = list(_recent(conversation).select_related("sent_by"))
    seen_at = next((found.sent_at for found in recent if found.pk == seen), None)
    for found in recent:
        is_later = found.pk > seen and (seen_at is None or found.sent_at >= seen_at)
        if is_later and _is_colleagues(found, user_id):
            name = person_name(found.sent_by) if found.sent_by else ""
            return Answered(name, found.sent_at, found.text)
    return None


def _is_colleagues(message: Message, user_id: Any) -> bool:
    return (
        message.direction == Message.Direction.OUTBOUND
        and message.unsent_at is None
        and message.author != Message.Author.AUTOMATION
        and (message.sent_by_id is None or message.sent_by_id != user_id)
    )


def newest_message_id(conversation: Conversation) -> int:
    """Return the key of the row written last; 0 in an empty conversation."""
    return max(_recent(conversation).values_list("pk", flat=True), default=0)


def _recent(conversation: Conversation) -> QuerySet[Message]:
    # By Meta's clock, for which there is an index; within so many rows the last written one lies.
    return conversation.messages.order_by("-sent_at", "-id")[:RECENT]


def note_writing(conversation: Conversation, user: Any) -> None:
    """Remember for some seconds that somebody writes; best effort, within one cache."""
    writers = _writers(conversation)
    writers[user.pk] = (person_name(user), timezone.now().timestamp())
    cache.set(_key(conversation), writers, WRITING_SECONDS)


def forget_writing(conversation: Conversation, user: Any) -> None:
    """Forget it: the answer has been sent."""
    writers = _writers(conversation)
    if writers.pop(user.pk, None):
        cache.set(_key(conversation), writers, WRITING_SECONDS)


def writing_now(conversation: Conversation, user: Any) -> list[str]:
    """Return the names of the others who wrote within the last seconds."""
    writers = _writers(conversation)
    return sorted(name for key, (name, _at) in writers.items() if key != user.pk)


def may_show_typing(conversation: Conversation) -> bool:
    """Return whether it is time to tell the customer that somebody writes."""
    return bool(cache.add(f"si-typing-{conversation.pk}", 1, SHOW_SECONDS))


def assignable(conversation: Conversation) -> list[Any]:
    """Return who may be given a conversation: active people who may see and read it, by name.

    Under the policy that comes with the app this is one query; a host's own policy is asked about
    each of the first so many.
    """
    user: Any = get_user_model()
    readers = user._default_manager.filter(is_active=True)
    for permission in READ:
        readers = readers.filter(pk__in=ModelBackend().with_perm(permission).values("pk"))
    policy, account = access_policy(), conversation.contact.account
    if type(policy) is AccessPolicy:
        seeing = ModelBackend().with_perm(VIEW).values("pk")
        readers = readers.filter(Q(pk__in=seeing) | Q(pk=account.connected_by_id))
        return sorted(readers[:MOST_COLLEAGUES], key=person_name)
    asked = readers.order_by("pk")[:MOST_ASKED]
    return sorted(
        (found for found in asked if policy.may_be_assigned(found, conversation)), key=person_name
    )


def person_key(given: Any) -> Any:
    """Return a user's key, whatever kind of key the host's model has; None for what is none."""
    if isinstance(given, bool) or not isinstance(given, int | str) or "\0" in str(given):
        return None
    key: Any = get_user_model()._meta.pk
    try:
        found = key.to_python(given)
        key.run_validators(found)
    except (ValidationError, DataError, ValueError, OverflowError):
        return None
    return found


def person_name(user: Any) -> str:
    """Return what a colleague is called; not every user model knows full names."""
    full_name = user.get_full_name() if hasattr(user, "get_full_name") else ""
    return str(full_name or user.get_username())


def _writers(conversation: Conversation) -> dict[Any, tuple[str, float]]:
    known: dict[Any, tuple[str, float]] = cache.get(_key(conversation)) or {}
    recent = timezone.now().timestamp() - WRITING_SECONDS
    return {key: found for key, found in known.items() if found[1] > recent}


def _key(conversation: Conversation) -> str:
    return f"si-writing-{conversation.pk}"
