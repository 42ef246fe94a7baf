"""The database's part of F11: connect an account, queue answers, let time pass, and report."""

import json
import sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django

django.setup()

from django.utils import timezone  # noqa: E402 - Django must be set up first

from social_integrations.models import ConnectedAccount, Conversation, Job, Message  # noqa: E402
from social_integrations.services import sending  # noqa: E402
from social_integrations.services.drafts import Draft  # noqa: E402


def connect(instagram_id: str, page_id: str, token: str) -> None:
    """Write the account as connecting would."""
    ConnectedAccount.objects.update_or_create(
        instagram_account_id=instagram_id,
        defaults={"page_id": page_id, "access_token": token, "connected_at": timezone.now()},
    )
    print("null")


def heard(instagram_id: str) -> None:
    """Print how many conversations the account has."""
    print(Conversation.objects.filter(contact__account__instagram_account_id=instagram_id).count())


def queue(instagram_id: str, count: str) -> None:
    """Queue so many answers of one message each, spread over the conversations."""
    found = list(Conversation.objects.filter(contact__account__instagram_account_id=instagram_id))
    for number in range(int(count)):
        conversation = found[number % len(found)]
        sending.send(conversation=conversation, draft=Draft(text=f"Answer {number}"))
    # Profiles and the like are not what is looked at here.
    Job.objects.exclude(name="send_messages").delete()
    print("null")


def pass_time(seconds: str) -> None:
    """Make everything so much older: leases end, calls must be over, what waits is due."""
    by = timedelta(seconds=float(seconds))
    for message in Message.objects.filter(status__in=["sending", "unknown", "queued"]):
        if message.send_started_at:
            earlier = message.send_started_at - by
            Message.objects.filter(pk=message.pk, send_started_at=message.send_started_at).update(
                send_started_at=earlier
            )
    now = timezone.now()
    Job.objects.filter(state="running", leased_until__gt=now).update(leased_until=now)
    Job.objects.filter(state="ready", due_at__gt=now).update(due_at=now)
    print("null")


def report(instagram_id: str) -> None:
    """Print every answer: its text, state, Meta's id, and whether it says why."""
    ours = Message.objects.filter(
        account__instagram_account_id=instagram_id, direction="outbound"
    ).order_by("id")
    print(
        json.dumps(
            [
                {
                    "text": one.text,
                    "status": one.status,
                    "mid": one.mid,
                    "ours": one.source == "crm",
                    "told": bool(one.error_text and one.error_action),
                }
                for one in ours
            ]
        )
    )


ACTS = {act.__name__: act for act in (connect, heard, queue, pass_time, report)}

if __name__ == "__main__":
    ACTS[sys.argv[1]](*sys.argv[2:])
