"""The delivery service: a durable queue, posted in the background until the CRM answers 200."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import requests

from .callback import current_callback, quiet_session, usable_url
from .config import EmulatorConfig
from .store import Row, Store
from .switches import read_switches
from .webhooks import signature_headers

PARALLEL = 8
IDLE = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """One POST to be made, or only to be written down."""

    queue: str
    """Parcels of one queue go out one at a time, in order."""
    kind: str
    body: bytes
    signed: bool = True
    signer: str = "meta"
    """Whose secret signs it: `meta` or `instagram`."""
    delay: float = 0.0
    """Seconds before the first attempt."""
    verdict: str = "pending"
    """`pending` is sent; `not_sent` and `withheld` are written down only."""
    detail: str = "Waiting to be sent."


class Courier:
    """Posts deliveries; those of one queue one at a time, oldest first.

    A delivery the CRM refuses waits for its next attempt without holding up the ones behind it,
    as at Meta. When the CRM comes back after being unreachable, what waited goes out in order.
    """

    def __init__(self, store: Store, config: EmulatorConfig) -> None:
        self._store, self._config = store, config
        self._changed = threading.Condition()
        self._busy: set[str] = set()
        self._stopping = False
        self._pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="courier")
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Begin, with whatever an earlier run left undelivered."""
        self._thread.start()

    def close(self) -> None:
        """Finish what is on its way and stop; the rest stays in the store."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def enqueue(self, parcel: Parcel) -> int:
        """Take a parcel in and return its number in the delivery log.

        Not to be called inside a store transaction: the delivering thread takes the two locks the
        other way round.
        """
        now = time.time()
        delivery_id = self._store.run(
            "INSERT INTO delivery (queue, kind, body, signed, signer, status, detail,"
            " created_at, next_at, finished_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            parcel.queue,
            parcel.kind,
            parcel.body,
            parcel.signed,
            parcel.signer,
            parcel.verdict,
            parcel.detail,
            now,
            now + parcel.delay,
            None if parcel.verdict == "pending" else now,
        )
        self._wake()
        return delivery_id

    def hurry(self) -> int:
        """Send now what was to go out later; return how many that were."""
        waiting = "status = 'pending' AND attempts = 0 AND next_at > ?"
        now = time.time()
        late = self._store.all(f"SELECT id FROM delivery WHERE {waiting}", now)  # noqa: S608
        self._store.run(f"UPDATE delivery SET next_at = ? WHERE {waiting}", now, now)  # noqa: S608
        self._wake()
        return len(late)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _run(self) -> None:
        with self._changed:
            while not self._stopping:
                self._changed.wait(self._send_due())

    def _send_due(self) -> float:
        """Hand out what is due; return the seconds until something else will be."""
        waiting = self._store.all("SELECT * FROM delivery WHERE status = 'pending' ORDER BY id")
        now = time.time()
        for row in waiting:
            if row["next_at"] <= now and row["queue"] not in self._busy:
                self._busy.add(row["queue"])
                self._pool.submit(self._deliver, row)
        later: list[float] = [row["next_at"] - now for row in waiting if row["next_at"] > now]
        return min([*later, IDLE])

    def _deliver(self, row: Row) -> None:
        try:
            status, detail = self._post(row)
            self._settle(row, status, detail)
        finally:
            with self._changed:
                self._busy.discard(row["queue"])
                self._changed.notify_all()

    def _post(self, row: Row) -> tuple[int | None, str]:
        callback = current_callback(self._store, self._config)
        if not usable_url(callback.url):
            return None, "No webhook URL is configured."
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        headers |= self._signatures(row)
        try:
            with quiet_session() as session:
                answer = session.post(
                    callback.url,
                    data=row["body"],
                    headers=headers,
                    timeout=self._config.webhook_timeout,
                    allow_redirects=False,
                )
        except requests.Timeout:
            return None, f"No answer within {self._config.webhook_timeout:g} s."
        except requests.RequestException as error:
            return None, f"The webhook could not be reached ({type(error).__name__})."
        said = answer.content[:120].decode("utf-8", "replace")
        return answer.status_code, f"Answered {answer.status_code}: {said}"

    def _signatures(self, row: Row) -> dict[str, str]:
        state = str(read_switches(self._store)["signature"])
        if not row["signed"] or state == "missing":
            return {}
        secret = self._config.secret_of(row["signer"])
        return signature_headers(row["body"], secret if state == "right" else f"not {secret}")

    def _settle(self, row: Row, status: int | None, detail: str) -> None:
        now, attempts = time.time(), row["attempts"] + 1
        outcome = "pending"
        if status == requests.codes.ok:
            outcome = "delivered"
        elif now - row["created_at"] >= self._config.retry_limit:
            outcome = "gave_up"
        delays = self._config.retry_delays
        with self._store.transaction():
            self._store.run(
                "UPDATE delivery SET status = ?, detail = ?, attempts = ?, last_status = ?,"
                " next_at = ?, finished_at = ? WHERE id = ?",
                outcome,
                detail,
                attempts,
                status,
                now + delays[min(attempts, len(delays)) - 1],
                None if outcome == "pending" else now,
                row["id"],
            )
            if outcome == "delivered":
                # The CRM is back: nobody behind this one needs to sit out a long pause. What was
                # never tried yet is late on purpose.
                self._store.run(
                    "UPDATE delivery SET next_at = ? WHERE status = 'pending'"
                    " AND last_status IS NULL AND attempts > 0 AND next_at > ?",
                    now,
                    now,
                )
