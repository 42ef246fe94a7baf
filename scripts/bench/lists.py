"""How long every list the admin shows takes with the history that is stored: no full reads."""

import time

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings

from social_integrations.models import Conversation

ADMIN = "/admin/social_integrations"
LISTS = {
    "messages": f"{ADMIN}/message/",
    "messages of an account": f"{ADMIN}/message/?account=",
    "messages of a kind": f"{ADMIN}/message/?kind=image",
    "messages, last page counted": f"{ADMIN}/message/?p=40",
    "conversations": f"{ADMIN}/conversation/",
    "open conversations": f"{ADMIN}/conversation/?status__exact=open",
    "contacts": f"{ADMIN}/contact/",
    "ledger": f"{ADMIN}/webhookevent/",
    "ledger, waiting": f"{ADMIN}/webhookevent/?status__exact=parked",
    "ledger, dead letters": f"{ADMIN}/webhookevent/?failure=dead",
    "jobs": f"{ADMIN}/job/",
}


@override_settings(ALLOWED_HOSTS=["testserver"])
def measure_lists() -> None:
    """Print each list's slowest statement and whole answer, in milliseconds."""
    client = Client()
    user, _ = get_user_model().objects.get_or_create(
        username="bench", defaults={"is_staff": True, "is_superuser": True}
    )
    client.force_login(user)
    conversation = Conversation.objects.order_by("-last_message_at").values_list("pk", flat=True)[0]
    pages = {**LISTS, "a thread": f"{ADMIN}/conversation/{conversation}/change/"}
    for name, path in pages.items():
        client.get(path, secure=True)
        with CaptureQueriesContext(connection) as captured:
            started = time.perf_counter()
            answer = client.get(path, secure=True)
            whole = time.perf_counter() - started
        slowest = max(float(query["time"]) for query in captured)
        print(
            f"list: {name}: {whole * 1000:.0f} ms ({len(captured)} statements, the slowest "
            f"{slowest * 1000:.0f} ms){'' if answer.status_code == 200 else ' FAILED'}"
        )
