"""Calling the API as somebody, and people with the rights tests need."""

import json
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

from social_integrations.api.tokens import AccessToken
from social_integrations.models import Conversation
from social_integrations.tests.factories import make_conversation, make_message, make_user

BASE = "/api/social/instagram/"
AGENT = ("view_conversation", "view_message", "add_message", "change_conversation")
NOT_FOUND = {"error": {"code": "not_found", "message": "Not found.", "details": {}}}


def call(user: User | None, method: str, path: str, body: Any = None, **extra: Any) -> Any:
    """Return the answer to a call, made as a frontend makes it."""
    headers = {"Authorization": f"Bearer {AccessToken.for_user(user)}"} if user else {}
    data = {} if body is None else {"data": body, "content_type": "application/json"}
    send = getattr(Client(), method.lower())
    return send(path if path.startswith("/") else BASE + path, headers=headers, **data | extra)


def make_agent(*, all_accounts: bool = True, without: tuple[str, ...] = ()) -> User:
    """Return a person who answers, of all accounts or of those they connect themselves."""
    names = {*AGENT, *(["view_connectedaccount"] if all_accounts else [])} - set(without)
    user = make_user()
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="social_integrations", codename__in=names)
    )
    return user


def make_thread(**values: Any) -> Conversation:
    """Return a conversation a customer opened just now."""
    conversation = make_conversation(**values)
    make_message(
        conversation=conversation,
        sent_at=conversation.last_message_at,
        received_at=conversation.last_message_at,
    )
    return conversation


def error_of(answer: Any) -> dict[str, Any]:
    """Return the error of an answer, its shape checked."""
    body = json.loads(answer.content)
    assert list(body) == ["error"]
    assert set(body["error"]) == {"code", "message", "details"}
    found: dict[str, Any] = body["error"]
    return found
