"""Whether the Send API takes a message at all: permissions, people, control, windows and pace."""

from social_integrations.emulator.caller import Caller, Node
from social_integrations.emulator.errors import MetaError
from social_integrations.emulator.store import Row

from .asked import HUMAN_AGENT, Asked
from .errors import SEND_ERRORS, refusal
from .threads import HUMAN_AGENT_WINDOW, WINDOW, clock_ms, is_held_elsewhere, opened_at

COMMENTS = {
    "page": "instagram_manage_comments",
    "instagram": "instagram_business_manage_comments",
}
# Meta, per account and second: texts and the like; sound and film.
TEXT_RATE = {"page": 300, "instagram": 100}
HEAVY_RATE = 10
HEAVY = frozenset({"audio", "video"})
# Meta: private replies under posts and reels per hour, in live videos per second.
REPLIES_AN_HOUR = 750
LIVE_REPLIES = 100
HOUR = 3600.0


def check_sender(caller: Caller, node: Node) -> None:
    """Refuse callers that may not send for this account."""
    if caller.token.kind not in TEXT_RATE:
        raise MetaError("page_token")
    caller.token.require_messaging()
    if node.kind == "page" and (not node.row["linked"] or not node.row["account_id"]):
        raise refusal("100/2534013")
    if not node.row["message_access"]:
        raise refusal("200/2534041")


def check_comments_permission(caller: Caller) -> None:
    """Refuse a private reply without the permission for comments."""
    caller.token.require(COMMENTS[caller.token.kind])


def find_person(caller: Caller, account_id: str, igsid: str) -> Row:
    """Find the customer an IGSID names; one of another account names nobody here."""
    row = caller.emulator.store.one(
        "SELECT customer.* FROM scoped JOIN customer ON customer.id = scoped.customer_id"
        " WHERE igsid = ? AND account_id = ?",
        *(igsid, account_id),
    )
    if row is None:
        raise refusal("100/2534014")
    return row


def check_control(caller: Caller, account_id: str, customer_id: str) -> None:
    """Refuse while another app controls the thread."""
    if is_held_elsewhere(caller.emulator, account_id, customer_id):
        raise refusal("100/2534037")


def check_window(caller: Caller, account_id: str, customer_id: str, asked: Asked) -> None:
    """Refuse outside of 24 hours; with HUMAN_AGENT, where the app has the feature, of 7 days."""
    opened = opened_at(caller.emulator, account_id, customer_id)
    # What Meta answers to the tag without the feature is not known: here it counts for nothing.
    extended = asked.tag == HUMAN_AGENT and bool(caller.emulator.switch("human_agent"))
    window = HUMAN_AGENT_WINDOW if extended else WINDOW
    if opened is None or clock_ms(caller.emulator) - opened >= window:
        raise refusal("10/2534022")


def count_send(caller: Caller, account_id: str, kind: str) -> None:
    """Count a send; refuse what comes faster than Meta allows, or than the switch says."""
    limit = int(caller.emulator.switch("send_rate")) or TEXT_RATE[caller.token.kind]
    _count(caller, f"send:{account_id}", limit)
    if kind in HEAVY:
        _count(caller, f"heavy:{account_id}", HEAVY_RATE)


def count_reply(caller: Caller, account_id: str, *, is_live: bool) -> None:
    """Count a private reply."""
    if is_live:
        _count(caller, f"live:{account_id}", LIVE_REPLIES)
    else:
        _count(caller, f"reply:{account_id}", REPLIES_AN_HOUR, HOUR)


def _count(caller: Caller, key: str, limit: int, period: float = 1.0) -> None:
    seconds = caller.emulator.pace.wait_for(key, limit, period)
    if seconds:
        headers = {"Retry-After": str(max(1, round(seconds)))}
        raise MetaError(SEND_ERRORS["613/2534040"], headers=headers)
