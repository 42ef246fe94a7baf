"""What a thread is besides its messages: its window, who controls it, who is typing."""

from social_integrations.emulator.core import Emulator
from social_integrations.emulator.seed import OTHER_APP
from social_integrations.emulator.store import Row

DAY = 24 * 3600 * 1000
WINDOW = DAY
HUMAN_AGENT_WINDOW = 7 * DAY
TYPING = 20_000
"""Milliseconds the typing indicator stays."""
OPENED = (
    "SELECT MAX(CASE WHEN clock_ms > 0 THEN clock_ms ELSE sent_at END) AS at FROM message"
    " WHERE account_id = ? AND customer_id = ? AND author = 'customer'"
)


def clock_ms(emulator: Emulator) -> int:
    """Read the movable clock in ms."""
    return int(emulator.now() * 1000)


def opened_at(emulator: Emulator, account_id: str, customer_id: str) -> int | None:
    """Say when the customer last wrote or tapped, by the movable clock; None for never.

    Reactions, referrals, reading and comments are no messages and open nothing.
    """
    row = emulator.store.one(OPENED, account_id, customer_id)
    return row["at"] if row else None


def thread_row(emulator: Emulator, account_id: str, customer_id: str) -> Row:
    """Read a thread's row, with its values at rest when it has none."""
    row = emulator.store.one(
        "SELECT * FROM thread WHERE account_id = ? AND customer_id = ?", account_id, customer_id
    )
    return row or {"owner": "", "owned_until": 0, "typing_until": 0}


def set_thread(emulator: Emulator, account_id: str, customer_id: str, **values: object) -> None:
    """Change some columns of a thread's row."""
    with emulator.store.transaction():
        emulator.store.run(
            "INSERT OR IGNORE INTO thread (account_id, customer_id) VALUES (?, ?)",
            account_id,
            customer_id,
        )
        for name, value in values.items():
            emulator.store.run(
                f"UPDATE thread SET {name} = ? WHERE account_id = ? AND customer_id = ?",  # noqa: S608 - names of our own
                *(value, account_id, customer_id),
            )


def default_app(emulator: Emulator) -> str:
    """Name the default app of Conversation Routing; empty when the owner chose none."""
    chosen = str(emulator.switch("default_app"))
    return {"ours": emulator.config.app_id, "other": OTHER_APP}.get(chosen, "")


def owner_of(emulator: Emulator, account_id: str, customer_id: str) -> tuple[str, int]:
    """Say which app controls a thread and until when (ms); empty for nobody.

    Control lapses after 24 idle hours; then it is the default app's.
    """
    row = thread_row(emulator, account_id, customer_id)
    if row["owner"] and row["owned_until"] > clock_ms(emulator):
        return row["owner"], row["owned_until"]
    return default_app(emulator), 0


def give_thread(
    emulator: Emulator, account_id: str, customer_id: str, app_id: str, ms: int = DAY
) -> None:
    """Let an app control a thread for a while; an empty id lets go of it."""
    until = clock_ms(emulator) + ms
    set_thread(emulator, account_id, customer_id, owner=app_id, owned_until=until)


def is_held_elsewhere(emulator: Emulator, account_id: str, customer_id: str) -> bool:
    """Tell whether another app controls the thread; without a default app everybody may answer."""
    if not default_app(emulator):
        return False
    ours = {emulator.config.app_id, emulator.config.login_app_id}
    return owner_of(emulator, account_id, customer_id)[0] not in ours
