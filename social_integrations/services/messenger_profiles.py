"""Tell Instagram the ice breakers and the menu of an account, and look what it has."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from django.db import transaction
from django.utils import timezone

from social_integrations.exceptions import (
    AccountOnHold,
    GraphError,
    GraphPausedError,
    GraphRefusedError,
)
from social_integrations.graph.client import GraphClient
from social_integrations.graph.errors import LATER, ErrorKind, explain
from social_integrations.graph.flavours import Flavour
from social_integrations.graph.messenger_profile import (
    FIELDS,
    clear_profile,
    read_profile,
    write_profile,
)
from social_integrations.models import ConnectedAccount, MessengerProfile

from .budget import MENU, is_throttled, pause, pause_after, take_turn
from .clients import client_for_account, flavour_of
from .guarding import guarded
from .jobs import COMPARE_MESSENGER_PROFILE, PUSH_MESSENGER_PROFILE, NewJob, enqueue_all

State = MessengerProfile.State
Content: TypeAlias = dict[str, list[dict[str, Any]]]
Talk: TypeAlias = Callable[[GraphClient, Flavour], Content]

# Meta: a Page's menu wants a permission that messages do not need.
MENU_PERMISSION = (
    "Meta may want the permission pages_messaging for this: add it to INSTAGRAM_SCOPES and connect "
    "the account again."
)

DISCONNECTED = (
    "The Instagram account is disconnected.",
    "Connect it again, then send this once more.",
)
WAITS = {
    ConnectedAccount.Status.REAUTH_REQUIRED: "The account has to be connected again first.",
    # Disconnecting cancelled the job.
    ConnectedAccount.Status.DISCONNECTED: " ".join(DISCONNECTED),
}


@transaction.atomic
def want_push(profile: MessengerProfile) -> None:
    """Have what stands in a profile sent to Instagram by the worker."""
    MessengerProfile.objects.filter(pk=profile.pk).update(
        state=State.WANTED, wanted_at=timezone.now(), error_text="", error_action=""
    )
    _enqueue(PUSH_MESSENGER_PROFILE, profile)


def want_compare(profile: MessengerProfile) -> None:
    """Have the worker look what Instagram has."""
    _enqueue(COMPARE_MESSENGER_PROFILE, profile)


@dataclass(frozen=True, slots=True)
class ProfileStanding:
    """Whether Instagram has what stands in a profile, in a word and in words."""

    state: str
    label: str
    words: str = ""


def standing_of(profile: MessengerProfile) -> ProfileStanding:
    """Return how a profile stands; its account should be loaded."""
    if profile.state == State.WANTED:
        waits = WAITS.get(ConnectedAccount.Status(profile.account.status), "")
        return ProfileStanding("running", "Waiting to be sent", waits)
    trouble = f"{profile.error_text} {profile.error_action}".strip()
    if profile.state == State.FAILED:
        return ProfileStanding("failed", "Not sent", trouble)
    if profile.state == State.DRAFT:
        return ProfileStanding("held", "Never sent", trouble)
    if profile.content != profile.pushed:
        return ProfileStanding("held", "Changed here, not sent yet", trouble)
    if profile.seen is not None and profile.seen != profile.pushed:
        differs = "Somebody changed it there, or another app did. Send it again, or change it here."
        return ProfileStanding("failed", "Differs at Instagram", trouble or differs)
    return ProfileStanding("done", "At Instagram", trouble)


def push(*, profile_id: int) -> None:
    """Send a profile as it stands now, empty lists included, and read it back.

    Must run outside a transaction; may be repeated. Raises `GraphError` where another try may help
    and `AccountOnHold` while the account has to be connected again.
    """
    profile = _find(profile_id)
    if profile is None or profile.state not in (State.WANTED, State.FAILED):
        return  # an earlier job has sent what was wanted
    content = profile.content
    seen = _talk(profile, partial(_write, content=content), calls=3, on_error=State.FAILED)
    if seen is not None:
        now = timezone.now()
        # Whoever wished again meanwhile gets another push.
        MessengerProfile.objects.filter(pk=profile.pk, wanted_at=profile.wanted_at).update(
            state=State.PUSHED, pushed=content, pushed_at=now, seen=seen, seen_at=now, **NO_ERROR
        )


def compare(*, profile_id: int) -> None:
    """Note what Instagram has; raises like `push`."""
    profile = _find(profile_id)
    if profile is None:
        return
    seen = _talk(profile, read_profile, calls=1, on_error=None)
    if seen is not None:
        values = {"seen": seen, "seen_at": timezone.now()}
        MessengerProfile.objects.filter(pk=profile.pk).update(**values)


NO_ERROR = {"error_text": "", "error_action": ""}


def _enqueue(name: str, profile: MessengerProfile) -> None:
    enqueue_all([NewJob(name, {"account": profile.account_id, "profile": profile.pk})])


def _find(profile_id: int) -> MessengerProfile | None:
    profiles = MessengerProfile.objects.select_related("account").defer("account__access_token")
    return profiles.filter(pk=profile_id).first()


def _write(client: GraphClient, flavour: Flavour, content: Content) -> Content:
    if any(content.values()):
        write_profile(client, flavour, content)
    emptied = [name for name in FIELDS if not content.get(name)]
    if emptied:
        clear_profile(client, flavour, emptied)
    return read_profile(client, flavour)


def _talk(
    profile: MessengerProfile, talk: Talk, *, calls: int, on_error: MessengerProfile.State | None
) -> Content | None:
    """Return what Meta has in the end; None where it refused for good, which is noted in words."""
    account = profile.account
    try:
        # A permission that is missing for the menu says nothing about messages.
        with guarded(account, permissions=False):
            client = client_for_account(account)
            _take_turns(account, calls)
            return _heeding(account, client, talk)
    except GraphPausedError:
        raise
    except AccountOnHold as held:
        if held.disconnected:  # its jobs are dropped: nothing would ever come of waiting
            _note(profile, DISCONNECTED, on_error)
        raise
    except GraphError as error:
        _note(profile, _words(account, error), on_error)
        if _may_help(error):
            raise
        return None


def _take_turns(account: ConnectedAccount, calls: int) -> None:
    wait = take_turn(account_id=account.pk, family=MENU, calls=calls)
    if wait:
        raise GraphPausedError(wait)


def _heeding(account: ConnectedAccount, client: GraphClient, talk: Talk) -> Content:
    """Talk, and leave Meta alone afterwards for as long as it wishes."""
    try:
        return talk(client, flavour_of(account.login))
    except GraphError as error:
        seconds = pause_after(client.usage, error)
        if seconds:
            pause(account_id=account.pk, family=MENU, seconds=seconds)
        if is_throttled(client.usage, error):
            raise GraphPausedError(seconds) from None
        raise


def _may_help(error: GraphError) -> bool:
    """Return whether the same call may be taken another time."""
    return not isinstance(error, GraphRefusedError) or explain(error.code, error.subcode).retryable


def _note(
    profile: MessengerProfile, words: tuple[str, str], state: MessengerProfile.State | None
) -> None:
    sentence, action = words
    values: dict[str, Any] = {"error_text": sentence, "error_action": action}
    if state is not None:
        values["state"] = state
    MessengerProfile.objects.filter(pk=profile.pk, wanted_at=profile.wanted_at).update(**values)


def _words(account: ConnectedAccount, error: GraphError) -> tuple[str, str]:
    if not isinstance(error, GraphRefusedError):
        return f"{error}.", LATER
    row = explain(error.code, error.subcode)
    if row.kind == ErrorKind.PERMISSION and account.login == ConnectedAccount.Login.FACEBOOK:
        return row.sentence, MENU_PERMISSION
    if row.kind == ErrorKind.UNKNOWN:
        return f"Instagram did not take this: {error}", "Change it, then send it again."
    return row.sentence, row.next_step
