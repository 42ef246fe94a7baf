"""The page a deletion request's link leads to: its state and times, nothing about anybody."""

import re
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.template.loader import select_template
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from social_integrations.models import DeletionRequest

from .answers import may_be_answered, text_answer

State = DeletionRequest.State
CODE = re.compile(r"[A-Z2-9]{32}", re.ASCII)
PAGE = "social_integrations/deletion/status.html"
# The page looks like the legal pages where they are installed.
BASES = ("legal/base_legal.html", "social_integrations/base.html")


@dataclass(frozen=True, slots=True)
class Words:
    """What the page says in one state."""

    title: str
    sentence: str
    next_step: str


WORDS = {
    State.RECEIVED: Words(
        "We have your request",
        "Erasing what is stored begins within minutes.",
        "You need not do anything. Load this page again later to see when it is done.",
    ),
    State.WORKING: Words(
        "We are erasing the data",
        "What is stored is being erased now.",
        "You need not do anything. Load this page again later to see when it is done.",
    ),
    State.NEEDS_PERSON: Words(
        "A member of staff has to look at your request",
        "Meta gave us an id that fits no account connected here. If you only wrote messages to a "
        "business, Meta names you differently to us, so that this request alone does not tell us "
        "what belongs to you.",
        "To speed it up, write to us with your Instagram username, the business you wrote to and "
        "the confirmation code.",
    ),
    State.DONE: Words(
        "The data has been erased",
        "Everything that belonged to this request has been erased here.",
        "Backups may hold it for up to 30 days after that. Instagram keeps its own copy.",
    ),
    State.NOTHING_HELD: Words(
        "We hold nothing about you",
        "Nothing is stored here that belongs to this request.",
        "You need not do anything.",
    ),
}
UNKNOWN = Words(
    "There is no such request",
    "No request has this confirmation code.",
    "Please check the link: the code has 32 letters and digits.",
)


@require_safe
@never_cache
def deletion_status(request: HttpRequest, code: str) -> HttpResponse:
    """Say where a deletion request stands; needs no session, and guessing codes is slowed down."""
    found = None
    if CODE.fullmatch(code):
        found = DeletionRequest.objects.filter(confirmation_code=code).first()
    if found is None and not may_be_answered(request, "deletion_code"):
        response = text_answer(429, "Too many wrong confirmation codes. Wait a minute.\n")
        response["Retry-After"] = "60"
        return response
    context = {
        "base": select_template(BASES),
        "asked": found,
        "words": WORDS[State(found.state)] if found else UNKNOWN,
        "overdue": found is not None and found.is_open and found.due_at < timezone.now(),
    }
    page = select_template([PAGE]).render(context, request)
    response = HttpResponse(page, status=200 if found else 404)
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"  # the code stands in the address
    return response
