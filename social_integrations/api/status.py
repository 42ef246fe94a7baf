"""The connection status: what it is made of, its fingerprint, and its JSON."""

import hashlib
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from django.db import Error as DatabaseFault
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from rest_framework.renderers import JSONRenderer
from rest_framework_simplejwt.exceptions import TokenError

from social_integrations.access import can_poll, poll
from social_integrations.models import ConnectedAccount
from social_integrations.selectors import account_problems, is_usable
from social_integrations.services.watching import somebody_sees

from .serializers import AccountSerializer
from .tokens import AccessToken, fits_password, names_primary_key, user_key

TRIED = "_instagram_poll_tried"
# Everything the answer, its problems included, is made of; no token.
FACTS = (
    "id",
    "instagram_account_id",
    "username",
    "name",
    "profile_picture_url",
    "login",
    "status",
    "status_reason",
    "status_action",
    "granted_scopes",
    "trouble",
    "trouble_at",
    "access_withdrawn_at",
    "connected_at",
    "token_expires_at",
    "data_access_expires_at",
    "webhook_subscribed_at",
    "last_event_at",
)


def status_tag(accounts: Sequence[ConnectedAccount]) -> str:
    """Return the `ETag` of the status: the same as long as the answer is.

    It is made of the rows themselves, so no way to write them can be forgotten, and of the
    problems, which change with time alone: "expires in 3 days".
    """
    now = timezone.now()
    facts = [
        (
            [getattr(account, name) for name in FACTS],
            is_usable(account, now),
            [astuple(problem) for problem in account_problems(account, now)],
        )
        for account in accounts
    ]
    return f'"{hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()}"'


def status_json(accounts: Sequence[ConnectedAccount]) -> dict[str, Any]:
    """Return the status of these accounts, ready to be rendered."""
    return {
        "connected": any(map(is_usable, accounts)),
        "accounts_count": len(accounts),
        "accounts": AccountSerializer(accounts, many=True).data,
    }


def answer_poll(request: HttpRequest) -> HttpResponseBase | None:
    """Answer a caller who brings an `ETag`, at a fraction of the view's cost.

    Returns None in every other case, errors included: then the view has to answer. Token, user and
    accounts are looked at as there, the latter two by one statement. Tried once per request.
    """
    if request.method != "GET" or "If-None-Match" not in request.headers:
        return None
    if getattr(request, TRIED, False) or not (names_primary_key() and can_poll()):
        return None
    setattr(request, TRIED, True)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer":
        return None
    try:
        claims = AccessToken(token.encode()).payload
        rows: Any = poll(user_key(claims), FACTS)
    except (TokenError, UnicodeError, DatabaseFault):
        return None
    if not rows or not fits_password(claims, rows[0].password):
        return None
    return answer_status(request, [account for account in rows if account.pk is not None])


def answer_status(request: HttpRequest, accounts: Sequence[ConnectedAccount]) -> HttpResponseBase:
    """Answer the status of these accounts, or 304 to a caller who has it already."""
    somebody_sees(accounts)
    tag = status_tag(accounts)
    answer = get_conditional_response(request, etag=tag) or HttpResponse(
        JSONRenderer().render(status_json(accounts)), content_type="application/json"
    )
    return mark(answer, tag)


def mark(answer: HttpResponseBase, tag: str) -> HttpResponseBase:
    """Give an answer about the status the headers that make polling cheap and private."""
    answer["ETag"] = tag
    answer["Cache-Control"] = "private, no-cache"
    patch_vary_headers(answer, ["Authorization"])
    return answer
