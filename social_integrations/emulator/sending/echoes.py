"""What follows a message that was sent: its echo, and the customer reading it."""

import time
from dataclasses import replace

from social_integrations.emulator.messaging import tell
from social_integrations.emulator.scenes import Scene
from social_integrations.emulator.webhooks import Item

STEP = 0.02
GRACE = 1.0


def echo(scene: Scene, mid: str, content: Item) -> None:
    """Tell the CRM of its own message, before or after the answer, or never: see the switches."""
    emulator = scene.emulator
    order = str(emulator.switch("echo"))
    if order == "never":
        return
    delay = float(emulator.switch("delay"))
    if order == "after":
        delay = max(delay, float(emulator.switch("echo_delay")))
    item = {**scene.ends(is_echo=True), "message": {"mid": mid, **content}}
    scene = replace(scene, params={"switches": {"delay": delay}})
    sent = tell(scene, mid, item, field="messages", kind="echo")
    if order == "before":
        for delivery_id in sent["delivery_ids"]:
            _wait_for(scene, delivery_id)


def _wait_for(scene: Scene, delivery_id: int) -> None:
    """Wait until a delivery was tried: then the CRM knows the echo before the answer."""
    deadline = time.monotonic() + scene.emulator.config.webhook_timeout + GRACE
    while time.monotonic() < deadline:
        row = scene.emulator.store.one("SELECT * FROM delivery WHERE id = ?", delivery_id)
        if row is None or row["attempts"] or row["status"] != "pending":
            return
        time.sleep(STEP)


def see_later(scene: Scene, mid: str) -> None:
    """Let the customer read a message after a while, if the switch `seen_after` says so."""
    emulator = scene.emulator
    seconds = float(emulator.switch("seen_after"))
    if not seconds:
        return
    when = scene.when + int(seconds * 1000)
    emulator.store.run(
        "UPDATE message SET seen_at = ? WHERE mid = ? AND seen_at IS NULL", when, mid
    )
    delay = max(seconds, float(emulator.switch("delay")))
    later = replace(scene, when=when, params={"switches": {"delay": delay}})
    item = {**later.ends(is_echo=False), "read": {"mid": mid}}
    tell(later, mid, item, field="messaging_seen", kind="seen")
