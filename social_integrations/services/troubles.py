"""What is wrong with a connection that still stands: in words, and when it is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from social_integrations.graph.errors import ROWS
from social_integrations.models import ConnectedAccount

ACCESS_OFF = "message_access_off"
THROTTLED = "throttled"
RESTRICTED = "restricted"
UNREACHABLE = "meta_unreachable"
MISSING = "events_missing"
RESUBSCRIBED = "resubscribed"

OWNER_SWITCH = (200, 2534041)
# What was put right by itself is told for so long.
TOLD_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One row: what happened, what to do, and whether a look at Meta that went well ends it."""

    message: str
    action: str
    ends_with_look: bool = True
    ends_with_event: bool = False
    """Whether anything Meta delivers later ends it."""


TROUBLES: dict[str, Trouble] = {
    ACCESS_OFF: Trouble(ROWS[OWNER_SWITCH].sentence, ROWS[OWNER_SWITCH].next_step),
    THROTTLED: Trouble(
        "Meta asks us to slow down, so nothing is fetched for this account for a while.",
        "Nothing to do: new messages still arrive, and it goes on by itself.",
    ),
    RESTRICTED: Trouble(
        f"{ROWS[10, 1893063].sentence} Answers wait for half an hour at a time.",
        ROWS[10, 1893063].next_step,
        ends_with_look=False,
    ),
    UNREACHABLE: Trouble(
        "Meta did not answer properly when this account was looked at.",
        "Nothing to do at first: it is tried again by itself. If this stays, look at Meta's status "
        "page (metastatus.com) and at this server's way to the internet.",
    ),
    MISSING: Trouble(
        "Instagram shows messages of this account that were not delivered here. They are fetched "
        "within a few minutes.",
        "If this stays, compare the webhook address in the Meta app with this server's and "
        "INSTAGRAM_APP_SECRET with the app's secret. The delivery ledger counts what was refused.",
        ends_with_event=True,
    ),
    RESUBSCRIBED: Trouble(
        "Meta had stopped delivering this account's messages. It was told to deliver again, and "
        "what is missing is fetched within a few minutes.",
        "Nothing to do now. If this comes back, make sure that Meta can always reach the webhook.",
        ends_with_look=False,
        ends_with_event=True,
    ),
}
ENDED_BY_LOOK = [code for code, row in TROUBLES.items() if row.ends_with_look]


def current_trouble(account: ConnectedAccount, now: datetime) -> str:
    """Return the code of the account's trouble, the empty text where it has none any more."""
    row, since = TROUBLES.get(account.trouble), account.trouble_at
    if row is None or since is None:
        return ""
    heard = account.last_event_at
    is_over = row.ends_with_event and heard is not None and heard > since
    is_old = not row.ends_with_look and now - since > TOLD_FOR
    return "" if is_over or is_old else account.trouble


def note_trouble(*, account: ConnectedAccount, code: str) -> None:
    """Write a trouble of a connected account, unless it stands there already."""
    rows = ConnectedAccount.objects.filter(
        pk=account.pk,
        connected_at=account.connected_at,
        status=ConnectedAccount.Status.CONNECTED,
    )
    now = timezone.now()
    if current_trouble(account, now) != code:
        rows.update(trouble=code, trouble_at=now)


def clear_trouble(*, account: ConnectedAccount) -> None:
    """Forget what a look that went well ends."""
    rows = ConnectedAccount.objects.filter(pk=account.pk, trouble__in=ENDED_BY_LOOK)
    rows.update(trouble="", trouble_at=None)
