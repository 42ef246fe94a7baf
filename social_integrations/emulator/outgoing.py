"""From an event to the POSTs that carry it: who is told, what the delivery switches do to it."""

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from secrets import SystemRandom
from typing import Any

from .callback import current_callback
from .core import Emulator
from .courier import Parcel
from .ids import new_digits
from .people import find_account
from .store import Row
from .switches import check_switches, read_switches
from .webhooks import UNKNOWN_FIELD, Item, Switches, body_of, merge_entries, wrap

shuffle = SystemRandom().shuffle


def send_event(
    emulator: Emulator,
    account_id: str,
    item: Item,
    *,
    field: str,
    kind: str,
    params: Mapping[str, Any],
) -> dict[str, Any]:
    """Send one event to the CRM, or write down why none goes out.

    `switches` in the params count for this event only. The answer has the number and state of the
    first delivery, and the numbers of all.
    """
    switches = read_switches(emulator.store) | check_switches(params.get("switches") or {})
    entry = wrap(account_id, field, item, switches=switches, now_ms=emulator.now_ms())
    verdict, detail = _verdict(emulator, account_id, _field_in(switches, field), switches)
    if verdict != "pending":
        body = body_of([entry], in_list=bool(switches["list_body"]))
        parcel = Parcel(queue=account_id, kind=kind, body=body, verdict=verdict, detail=detail)
        return _answer([emulator.courier.enqueue(parcel)], verdict, detail)
    rows = [
        {"signer": signer, "kind": kind, "entry": entry}
        for signer in _signers(emulator, account_id, switches)
    ]
    size = max(int(switches["batch"]), int(switches["reorder"]))
    if size <= 1:
        return _answer(_post_all(emulator, rows, switches), "pending", "")
    return _hold(emulator, rows, size, switches)


def _field_in(switches: Switches, field: str) -> str:
    return "standby" if switches["wrapper"] == "standby" else field


def _answer(deliveries: list[int], status: str, detail: str) -> dict[str, Any]:
    return {
        "delivery_id": deliveries[0] if deliveries else None,
        "delivery_ids": deliveries,
        "delivery_status": status,
        "detail": detail,
    }


def _verdict(
    emulator: Emulator, account_id: str, field: str, switches: Switches
) -> tuple[str, str]:
    page = find_account(emulator.store, account_id)
    if page["subscribed_fields"] is None and page["login_fields"] is None:
        return "not_sent", "Not sent: Page not subscribed."
    if not page["message_access"]:
        return "not_sent", "Not sent: the owner does not allow access to messages."
    if not _signers(emulator, account_id, switches):
        return "not_sent", "Not sent: the Page is not linked to the account any more."
    fields = current_callback(emulator.store, emulator.config).fields
    if field not in fields and field != UNKNOWN_FIELD:
        return "not_sent", f"Not sent: the app is not subscribed to the field {field}."
    if _is_withheld(emulator, int(switches["withhold"])):
        return "withheld", "Withheld by the switch: the CRM is never told."
    return "pending", ""


def _is_withheld(emulator: Emulator, every: int) -> bool:
    if not every:
        return False
    with emulator.store.transaction():
        count = int(emulator.store.setting("withhold_count") or 0) + 1
        emulator.store.remember("withhold_count", count)
    return count % every == 0


def _signers(emulator: Emulator, account_id: str, switches: Switches) -> list[str]:
    """Name who sends: an account connected through both logins is reported twice, as at Meta."""
    page = find_account(emulator.store, account_id)
    signers = ["meta"] if page["subscribed_fields"] is not None and page["linked"] else []
    if page["login_fields"] is not None:
        signers.append(str(switches["login_signer"]))
    return signers


def _hold(
    emulator: Emulator, rows: list[dict[str, Any]], size: int, switches: Switches
) -> dict[str, Any]:
    with emulator.store.transaction():
        for row in rows:
            emulator.store.run(
                "INSERT INTO held (signer, kind, entry) VALUES (?, ?, ?)",
                row["signer"],
                row["kind"],
                json.dumps(row["entry"]),
            )
        count = count_held(emulator)
        ready = _take_held(emulator) if count >= size else []
    if ready:
        return _answer(_post_all(emulator, ready, switches), "pending", "")
    return _answer([], "held", f"Held: {count} of {size}. `flush` sends what is held.")


def count_held(emulator: Emulator) -> int:
    """Count the events that wait for a batch to be full."""
    row = emulator.store.one("SELECT COUNT(*) AS held FROM held") or {"held": 0}
    return int(row["held"])


def _take_held(emulator: Emulator) -> list[dict[str, Any]]:
    with emulator.store.transaction():
        rows: list[Row] = emulator.store.all("SELECT * FROM held ORDER BY id")
        emulator.store.run("DELETE FROM held")
    return [{**row, "entry": json.loads(row["entry"])} for row in rows]


def flush(emulator: Emulator) -> dict[str, Any]:
    """Send everything that is held or delayed, now."""
    deliveries = _post_all(emulator, _take_held(emulator), read_switches(emulator.store))
    return {"delivery_ids": deliveries, "hurried": emulator.courier.hurry()}


def _post_all(emulator: Emulator, rows: list[dict[str, Any]], switches: Switches) -> list[int]:
    if switches["reorder"]:
        shuffle(rows)
    return [
        emulator.courier.enqueue(parcel)
        for group in _batches(rows, int(switches["batch"]))
        for parcel in _parcels(group, switches)
    ]


def _batches(rows: list[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Cut into POSTs; one signature cannot speak for two apps."""
    for _, group in groupby(sorted(rows, key=_signer), key=_signer):
        same = list(group)
        yield from (same[start : start + size] for start in range(0, len(same), size))


def _signer(row: dict[str, Any]) -> str:
    return str(row["signer"])


def _parcels(group: list[dict[str, Any]], switches: Switches) -> Iterator[Parcel]:
    entries = [row["entry"] for row in group]
    accounts = {str(entry["id"]) for entry in entries}
    kinds = {row["kind"] for row in group}
    kind = group[0]["kind"] if len(kinds) == 1 else "batch"
    for copy in range(int(switches["duplicate"])):
        # A repeat waits for nobody, and may overtake what it repeats.
        alone = copy > 0 or len(accounts) > 1 or bool(switches["reorder"])
        yield Parcel(
            queue=f"alone-{new_digits()}" if alone else next(iter(accounts)),
            kind=kind,
            body=body_of(
                merge_entries(entries) if switches["merge"] else entries,
                in_list=bool(switches["list_body"]),
            ),
            signer=group[0]["signer"],
            delay=float(switches["delay"]),
        )
