"""One account: its token, permissions, Page and subscription, as Meta sees them now."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from social_integrations.exceptions import (
    AccountOnHold,
    GraphError,
    GraphPausedError,
    GraphRefusedError,
    GraphUnavailableError,
)
from social_integrations.graph import oauth
from social_integrations.graph.conversations import list_threads
from social_integrations.graph.errors import ErrorKind, explain
from social_integrations.graph.types import InstagramAccount, TokenInspection
from social_integrations.models import ConnectedAccount
from social_integrations.selectors import Problem, account_problems, without_tokens
from social_integrations.services.clients import (
    INSTAGRAM,
    app_credentials,
    client_for_account,
    client_for_app,
    flavour_of,
)
from social_integrations.services.guarding import guarded
from social_integrations.services.importing import paced_client
from social_integrations.services.page_problems import PAGE_PROBLEMS, PageProblem
from social_integrations.services.permissions import missing_permissions
from social_integrations.services.states import TRANSITIONS, Event
from social_integrations.services.subscribing import is_subscribed, node_of

from .rows import Check, Finding, amber, green, red, skipped

logger = logging.getLogger(__name__)

Colour: TypeAlias = Callable[[str, str], Finding]

ACCESS_OFF = (200, 2534041)
PERSONAL = "personal"
SHORT_PAUSE = 3.0
SUBSCRIBE = (
    "Press “Subscribe again” on the doctor's page, or run manage.py instagram_doctor --subscribe."
)
ON_HOLD = skipped("Not looked at: the account has to be connected again first.")
UNTOLD = skipped("Not looked at: Meta did not tell.")


@dataclass(kw_only=True)
class AccountFacts:
    """What our row and Meta say about an account; what Meta was not asked for is None."""

    account: ConnectedAccount
    problems: Mapping[str, Problem] = field(default_factory=dict)
    inspection: TokenInspection | None = None
    instagram: InstagramAccount | None = None
    """The account behind the Page or the token; with an empty id where there is none."""
    is_subscribed: bool | None = None
    can_read: bool | None = None
    errors: dict[str, GraphError] = field(default_factory=dict)


def gather(account: ConnectedAccount) -> AccountFacts:
    """Ask Meta about an account, at its own pace; the first word of a dead token is the last call.

    Must run outside a transaction.
    """
    facts = AccountFacts(account=account)
    try:
        if account.is_active and _has_token(account):
            # Where Meta does not answer at all, each further call would cost as long.
            all(_take(facts, name, step) for name, step in STEPS.items())
    except AccountOnHold:
        logger.info("Account %s is on hold", account.instagram_account_id)
    facts.account = without_tokens(ConnectedAccount.objects.all()).get(pk=account.pk)
    facts.problems = {problem.code: problem for problem in account_problems(facts.account)}
    return facts


def _has_token(account: ConnectedAccount) -> bool:
    with guarded(account):
        return bool(account.access_token)


def _take(facts: AccountFacts, name: str, step: Callable[[AccountFacts], None]) -> bool:
    """Ask one question; return whether it is worth asking the next."""
    try:
        # A missing permission is for the rows to tell, and for the daily look to judge.
        with guarded(facts.account, permissions=False):
            step(facts)
    except GraphError as error:
        facts.errors[name] = error
        return not isinstance(error, GraphUnavailableError)
    return True


def _inspect(facts: AccountFacts) -> None:
    flavour = flavour_of(facts.account.login)
    if not flavour.inspect_path:
        return
    token = facts.account.access_token
    try:
        found = oauth.inspect_token(client_for_app(), flavour, token=token)
    except GraphRefusedError as error:
        # What was refused is the app's own token: no fault of the account.
        facts.errors["token"] = error
        return
    if not found.is_valid:
        raise GraphRefusedError(found.error_code, found.error_subcode, "not valid")
    facts.inspection = found


def _identify(facts: AccountFacts) -> None:
    client = client_for_account(facts.account)
    if facts.account.login == INSTAGRAM:
        facts.instagram = oauth.read_professional_account(client)
    else:
        page = oauth.read_linked_account(client, facts.account.page_id)
        facts.instagram = page or InstagramAccount(id="")


def _ask_subscription(facts: AccountFacts) -> None:
    facts.is_subscribed = is_subscribed(account=facts.account)


def _read_threads(facts: AccountFacts) -> None:
    client, node = paced_client(facts.account), node_of(facts.account)
    try:
        list_threads(client, node)
    except GraphPausedError as pause:
        if pause.seconds > SHORT_PAUSE:
            raise
        # A reconciliation at work, most likely.
        time.sleep(pause.seconds)
        list_threads(client, node)
    facts.can_read = True


STEPS: dict[str, Callable[[AccountFacts], None]] = {
    "token": _inspect,
    "identity": _identify,
    "subscription": _ask_subscription,
    "reading": _read_threads,
}


def _while_connected(look: Callable[[AccountFacts], Finding], facts: AccountFacts) -> Finding:
    """Judge only where Meta may be asked; otherwise the account's state says it all."""
    return look(facts) if facts.account.is_active else ON_HOLD


def _state(facts: AccountFacts) -> Finding:
    if facts.account.status_reason == TRANSITIONS[Event.DISCONNECTED].reason:
        return skipped("Somebody here disconnected this account.")
    codes = {"reauth_required": red, "disconnected": amber}
    return _worst(facts, codes, "The account is connected.")


def _worst(facts: AccountFacts, codes: Mapping[str, Colour], good: str) -> Finding:
    """Return the first of these problems the account's own row has, in its own words."""
    for code, colour in codes.items():
        if problem := facts.problems.get(code):
            return colour(problem.message, problem.action)
    return green(good)


def _token(facts: AccountFacts) -> Finding:
    if error := facts.errors.get("token"):
        return _refused(error, "Meta could not be asked about the token.")
    known = facts.inspection
    if known and known.app_id not in ("", app_credentials(facts.account.login).app_id):
        return red(
            "The token was made for another Meta app than INSTAGRAM_APP_ID.",
            "Connect the account again, or put the former app's id and secret back.",
        )
    if known is None and facts.instagram is None:
        return UNTOLD
    return green("Meta accepts the token.")


def _expiry(facts: AccountFacts) -> Finding:
    end = facts.account.token_expires_at
    good = f"The token is good until {end:%Y-%m-%d}." if end else "The token has no end date."
    return _worst(facts, {"token_expired": red, "token_expiring": amber}, good)


def _data_access(facts: AccountFacts) -> Finding:
    codes = {"data_access_expired": amber, "data_access_expiring": amber}
    return _worst(facts, codes, "The person who connected it need not confirm yet.")


def _withdrawn(facts: AccountFacts) -> Finding:
    good = "Nobody left the account out when agreeing again."
    return _worst(facts, {"access_withdrawn": amber}, good)


def _scopes(facts: AccountFacts) -> Finding:
    account, essential = facts.account, flavour_of(facts.account.login).essential_scopes
    granted = (facts.inspection.scopes if facts.inspection else ()) or account.granted_scopes
    if not granted:
        return skipped("Nobody has told which permissions were granted.")
    missing = missing_permissions(login=account.login, granted=granted)
    for row in sorted(missing, key=lambda row: row.scope not in essential):
        if row.scope in essential or not row.only_connecting:
            colour = red if row.scope in essential else amber
            return colour(f"{row.scope} is not granted. {row.without_it}", row.next_step)
    return green("Every permission the account needs is granted.")


def _page_link(facts: AccountFacts) -> Finding:
    if error := facts.errors.get("identity"):
        return _refused(error, "The account could not be read.")
    return UNTOLD if facts.instagram is None else _is_ours(facts.instagram, facts.account)


def _is_ours(known: InstagramAccount, account: ConnectedAccount) -> Finding:
    if not known.id:
        return _of_page("no_instagram")
    if PERSONAL in known.account_type.lower():
        return _of_page("personal_account")
    if known.id != account.instagram_account_id:
        return red(
            "Meta now names another Instagram account behind this connection "
            f"({known.id}, not {account.instagram_account_id}).",
            "Link the Page with the right account under Linked accounts in its settings, or "
            "connect the account again.",
        )
    if account.login == INSTAGRAM:
        return green("It is the professional account webhooks name.")
    return green("The Page is linked to this professional account.")


def _of_page(code: str) -> Finding:
    words: PageProblem = PAGE_PROBLEMS[code]
    return red(words.sentence, words.next_step)


def _page_task(facts: AccountFacts) -> Finding:
    error = facts.errors.get("reading")
    if error is None:
        return green("Messages can be read.") if facts.can_read else UNTOLD
    if _pair(error) == ACCESS_OFF:
        return skipped("Not looked at: message access is off; see below.")
    if isinstance(error, GraphPausedError):
        return skipped(f"Not looked at: {error}.")
    if _kind(error) == ErrorKind.PERMISSION:
        return _of_page("no_task")
    return _refused(error, "Messages could not be read.")


def _message_access(facts: AccountFacts) -> Finding:
    error = facts.errors.get("reading")
    if error and _pair(error) == ACCESS_OFF:
        row = explain(*ACCESS_OFF)
        return red(row.sentence, row.next_step)
    if facts.can_read:
        return green("The owner lets connected tools read messages.")
    return UNTOLD


def _subscription(facts: AccountFacts) -> Finding:
    if error := facts.errors.get("subscription"):
        return _refused(error, "Meta does not say whether it delivers.")
    if facts.is_subscribed is False:
        return red("Meta does not deliver this account's messages to our app.", SUBSCRIBE)
    if problem := facts.problems.get("webhook_not_subscribed"):
        return amber(problem.message, SUBSCRIBE)
    return green("Meta delivers this account's messages.") if facts.is_subscribed else UNTOLD


def _pair(error: GraphError) -> tuple[int, int | None] | None:
    return (error.code, error.subcode) if isinstance(error, GraphRefusedError) else None


def _kind(error: GraphError) -> ErrorKind | None:
    pair = _pair(error)
    return explain(*pair).kind if pair else None


def _refused(error: GraphError, sentence: str) -> Finding:
    """Show Meta's refusal in the words of the error table."""
    pair = _pair(error)
    if pair is None:
        return amber(f"{sentence} {error}.", "Wait a few minutes, then check again.")
    row = explain(*pair)
    return amber(f"{sentence} {row.sentence} (Meta's error {pair[0]}.)", row.next_step)


LOOKS: tuple[tuple[str, str, Callable[[AccountFacts], Finding]], ...] = (
    ("token", "Token accepted", _token),
    ("expiry", "Token's end", _expiry),
    ("data_access", "Consent renewed", _data_access),
    ("scopes", "Permissions", _scopes),
    ("withdrawn", "Access not withdrawn", _withdrawn),
    ("page_link", "Professional account", _page_link),
    ("page_task", "May read messages", _page_task),
    ("message_access", "Message access on the phone", _message_access),
    ("subscription", "Subscribed", _subscription),
)
CHECKS: tuple[Check[AccountFacts], ...] = (
    Check("account_state", "Connected", _state),
    *(Check(code, title, partial(_while_connected, look)) for code, title, look in LOOKS),
)
