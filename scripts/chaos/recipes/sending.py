"""F11: the worker dies while it sends; the emulator counts what went out."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from scripts.chaos.app import App, running
from scripts.chaos.emulated import Emulated, emulated
from scripts.chaos.judge import Evidence, Outcome
from scripts.chaos.recipes.scene import Scene
from scripts.lib import machine

DELIVERIES_PER_SEND = 32
MOST_SENDS = 500
PER_CONVERSATION = 2
DYING_SENDER = [sys.executable, "scripts/chaos/dying_sender.py"]
A_CALL_MUST_BE_OVER = "61"
DYING_SECONDS = 90.0
SETTLE_SECONDS = 120.0
OPEN = {"queued", "sending"}


def killed(scene: Scene) -> Outcome:
    """F11: killed -9 before or after one of its writes, also between Meta's answer and the commit.

    Then time is let pass, and ordinary workers go on. Each message went out once and is sent, or
    did not and is shown as unknown.
    """
    sends = min(MOST_SENDS, scene.deliveries // DELIVERIES_PER_SEND)
    port = machine.free_port()
    scene.app.worker.stop()
    changes = {"INSTAGRAM_FACEBOOK_GRAPH_URL": f"http://127.0.0.1:{port}"}
    with (
        running(scene.app.store, scene.app.folder / scene.name, changes) as app,
        emulated(app, port) as meta,
    ):
        account = _connected(app, meta, sends // PER_CONVERSATION)
        app.worker.stop()
        app.script("send_stage", "queue", account, str(sends))
        deaths = _die(app)
        app.worker.start()
        _settle(app, account)
        outcome = _judge(meta, app.script("send_stage", "report", account), sends, deaths)
    scene.app.worker.start()
    return outcome


def _connected(app: App, meta: Emulated, people: int) -> str:
    """Connect the emulator's account, and let people write to it; return its id."""
    page = meta.page()
    account = str(page["instagram_business_account"]["id"])
    app.script("send_stage", "connect", account, page["id"], page["access_token"])
    for number in range(people):
        meta.hear(number)
    ends = time.monotonic() + SETTLE_SECONDS
    while app.script("send_stage", "heard", account) < people:
        if time.monotonic() > ends:
            raise TimeoutError("the customers' messages did not arrive")
    return account


def _die(app: App) -> int:
    """Run the dying worker until it has nothing left to do; return how often it died."""
    deaths, ends = 0, time.monotonic() + DYING_SECONDS
    while time.monotonic() < ends:
        left = str(max(0.0, ends - time.monotonic()))
        done = subprocess.run(
            [*DYING_SENDER, left], env=app.env, cwd=machine.ROOT, check=True, capture_output=True
        )
        deaths += int(done.stdout)
        waiting = app.store.rows(
            "SELECT count(*) FROM social_integrations_message WHERE status = 'queued'"
        )
        if not waiting[0][0]:
            break
        # Whoever died holds leases and a message under way: the next life has to wait for them.
        app.script("send_stage", "pass_time", A_CALL_MUST_BE_OVER)
    return deaths


def _settle(app: App, account: str) -> None:
    """Let time pass until every message has its outcome, and looking has come to its end."""
    ends = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < ends:
        app.script("send_stage", "pass_time", A_CALL_MUST_BE_OVER)
        found = app.script("send_stage", "report", account)
        looking = app.store.rows(
            "SELECT count(*) FROM social_integrations_job"
            " WHERE state IN ('ready', 'running') AND name IN ('settle_unknown', 'send_messages')"
        )
        if not looking[0][0] and not OPEN & {row["status"] for row in found} and not app.waiting():
            return


def _judge(meta: Emulated, found: Sequence[dict[str, Any]], sends: int, deaths: int) -> Outcome:
    sent = meta.sent()
    at_meta = {
        row["message_id"]: row["request"]["message"]["text"]
        for row in sent["sent"]
        if row["done"] and row["message_id"]
    }
    states = {row["text"]: row["status"] for row in found}
    broken = {
        f"{len(sent['doubles'])} went out twice": sent["doubles"],
        f"{len(found)} rows for {sends} answers": len(found) != sends,
        "an answer is not one of ours": not all(row["ours"] for row in found),
        f"lost or left lying: {Counter(states.values())}": OPEN & set(states.values()),
        "sent, and not said so": [
            text for text in at_meta.values() if states.get(text) not in ("sent", "seen")
        ],
        "said to be sent, and it was not": [
            text for text in states if states[text] == "sent" and text not in at_meta.values()
        ],
        "without words": [row for row in found if row["status"] != "sent" and not row["told"]],
        "the worker never died, so the run proves nothing": not deaths,
    }
    mids = Counter(row["mid"] for row in found if row["mid"])
    evidence = Evidence(
        acknowledged=set(at_meta), ledger=Counter(list(at_meta)), messages=mids, attempts=()
    )
    told = json.dumps(dict(Counter(states.values())))
    note = f"{sends} sends, {deaths} deaths, {len(at_meta)} went out: {told}"
    return Outcome(evidence, note=note, broken=[words for words, is_so in broken.items() if is_so])
