"""F8 to F10 and F12: nothing breaks, but what Meta delivers is awkward."""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from scripts.chaos.conversation import account_ids, told_in_order
from scripts.chaos.judge import Bounds, Outcome
from scripts.chaos.recipes.scene import Scene
from scripts.chaos.sender import RATE, Delivery, Meta, delivery
from scripts.lib import load
from social_integrations.tests.payloads import encode, text_payload

COPIES = 3
PARALLEL_SHARE = 0.3
LATER = 1.0
OVERLAP, STEP = 5, 3
ALTOGETHER = 50
"""Ids in each of the batches that come in opposite orders."""
SLICE, SLICES = 100, 50
"""Items in a slice; slices, clean and poisoned in turn. The cheapest of each side are compared:
whatever else the machine does only adds to the cost."""
POISON_EVERY = 50
SLICE_SECONDS = 0.1
LEAST_RATIO = 0.9
STATUSES = "SELECT {mid}, status FROM social_integrations_webhookevent"


def repeated(scene: Scene) -> Outcome:
    """F8: every delivery three times, 30 % of them at the same moment; and overlapping batches."""
    chance = random.Random(scene.name)  # noqa: S311
    once = scene.load(scene.deliveries // COPIES, rate=RATE / COPIES)
    copies = [
        Delivery(one.body, one.mids, one.at + (0 if parallel else LATER * copy))
        for one in once
        for parallel in [chance.random() < PARALLEL_SHARE]
        for copy in range(COPIES)
    ]
    seen = scene.app.pour([*copies, *_overlapping(f"{scene.name}-overlap", len(once) // 10)])
    return Outcome(
        seen,
        Bounds(may_refuse=False),
        f"{len(once)} deliveries {COPIES} times, batches overlapping",
    )


def opposite(scene: Scene) -> Outcome:
    """F10: eight senders deliver the same fifty messages, half of them in the opposite order."""
    load: list[Delivery] = []
    for number in range(max(scene.deliveries // 50, 8)):
        items = _items(f"{scene.name}-{number}", ALTOGETHER)
        batches = [_batch(items, number / 8), _batch(items[::-1], number / 8)]
        load += batches * 4
    seen = scene.app.pour(load)
    return Outcome(seen, Bounds(may_refuse=False), f"{len(load) // 8} rounds of 8")


def shuffled(scene: Scene) -> Outcome:
    """F9: the same conversation to many accounts: to one in order, to the others shuffled."""
    accounts = account_ids(max(scene.deliveries // 100, 4))
    scene.app.script("prepare", *accounts)
    load = told_in_order(accounts[0])
    start = max(one.at for one in load) + 1
    for number, account in enumerate(accounts[1:]):
        load += _shuffled(told_in_order(account), f"{scene.name}-{number}", start + number / 4)
    seen = scene.app.pour(load)
    states = scene.app.script("dump", *accounts)
    wrong = [state for state in states[1:] if state != states[0]]
    difference = f": {_first_difference(states[0], wrong[0])}" if wrong else ""
    broken = [f"{len(wrong)} accounts ended in another state{difference}"] if wrong else []
    told = len(told_in_order(accounts[0]))
    note = f"{len(accounts) - 1} shuffles of {told} deliveries, {len(states[0])} rows compared"
    return Outcome(seen, Bounds(may_refuse=False), note, broken)


def poisoned(scene: Scene) -> Outcome:
    """F12: one item in fifty cannot be read; it is set aside, and slows the others by < 10 %."""
    load, poison = _slices(scene.name)
    times: list[list[float]] = []

    def apply(meta: Meta) -> None:
        scene.app.worker.stop()
        meta.finish(SLICE_SECONDS * SLICES * 4)
        times.extend(scene.app.script("apply_timed", str(SLICE)))
        scene.app.worker.start()

    seen = scene.app.pour(load, apply)
    clean, ill = (min(seconds for seconds, _ in times[side:SLICES:2]) for side in (0, 1))
    ratio = clean / ill
    broken = [f"throughput fell to {ratio:.0%} of clean"] if ratio < LEAST_RATIO else []
    rows = scene.app.store.rows(STATUSES.format(mid=scene.app.store.item_mid))
    statuses = Counter(status for mid, status in rows if mid in poison)
    if statuses != {"failed": len(poison)}:
        broken.append(f"of {len(poison)} poisonous items {dict(statuses)}")
    note = f"{len(poison)} poisonous set aside, throughput {ratio:.0%} of clean"
    return Outcome(seen, Bounds(may_refuse=False), note, broken)


def _items(name: str, count: int) -> list[dict[str, Any]]:
    """Return text messages as they stand in a delivery's `messaging`."""
    found: list[dict[str, Any]] = load.payload(name, 0, count)["entry"][0]["messaging"]
    return found


def _batch(items: Sequence[dict[str, Any]], at: float) -> Delivery:
    payload = text_payload("")
    payload["entry"][0]["messaging"] = list(items)
    return delivery(encode(payload), at)


def _overlapping(name: str, count: int) -> list[Delivery]:
    items = _items(name, count * STEP + OVERLAP)
    return [
        _batch(items[number * STEP : number * STEP + OVERLAP], number * STEP / RATE)
        for number in range(count)
    ]


def _shuffled(told: Sequence[Delivery], seed: str, start: float) -> list[Delivery]:
    """Return the deliveries in any order, some of them up to three times."""
    chance = random.Random(seed)  # noqa: S311
    again = [one for one in told for _ in range(chance.randint(1, COPIES))]
    return [
        Delivery(one.body, one.mids, start + number / RATE)
        for number, one in enumerate(chance.sample(again, len(again)))
    ]


def _slices(name: str) -> tuple[list[Delivery], set[str]]:
    """Return clean and poisoned slices in turn, and the ids of the poisonous items."""
    deliveries, poison = [], set()
    for number in range(SLICES * SLICE // POISON_EVERY):
        place = number * POISON_EVERY // SLICE
        items = _items(f"{name}-{number}", POISON_EVERY)
        if place % 2:
            ill = items[number % POISON_EVERY]
            del ill["sender"]
            poison.add(ill["message"]["mid"])
        deliveries.append(_batch(items, place * SLICE_SECONDS))
    return deliveries, poison


def _first_difference(expected: list[str], found: list[str]) -> str:
    pairs = zip_longest(expected, found, fillvalue="nothing")
    return next((f"{a} became {b}" for a, b in pairs if a != b), "none")
