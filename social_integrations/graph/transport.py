"""One HTTP exchange with Meta: bounded in time and size, never redirected, never leaking."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy

import requests
from requests import exceptions as failures
from urllib3 import exceptions as lower_failures

from social_integrations.exceptions import GraphUnavailableError

from .usage import NO_USAGE, Usage, read_usage
from .wire import Watch, WatchedAdapter, watched

MAX_ANSWER_BYTES = 4 * 1024 * 1024
DEADLINE_SECONDS = 20.0
RETRY_PAUSES = (0.2, 0.6)
RETRY_AFTER_CAP = 3.0
PASSING_STATUSES = frozenset({502, 503, 504})

TOO_SLOW = "Meta's answer did not arrive in time"
TOO_LARGE = "Meta's answer is larger than any real one"
# First match wins: the subclasses stand before what they inherit from. True: a GET may try again.
REASONS: tuple[tuple[type[Exception], str, bool], ...] = (
    (failures.SSLError, "the secure connection to Meta could not be verified (TLS)", False),
    (failures.ConnectTimeout, "Meta did not accept a connection in time", True),
    (failures.ReadTimeout, TOO_SLOW, False),
    (lower_failures.ReadTimeoutError, TOO_SLOW, False),
    (failures.ConnectionError, "the connection to Meta failed", True),
    (lower_failures.HTTPError, "Meta's answer broke off", False),
)
NO_SUCH_HOST = "Meta's host name could not be resolved (DNS)"
# Where no connection of ours could tell: with these, nothing has been sent yet.
BEFORE_SENDING = (failures.SSLError, failures.ConnectTimeout, lower_failures.NewConnectionError)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: HTTP status, body and what it says about the allowance."""

    status: int
    body: bytes
    usage: Usage = NO_USAGE
    date: datetime | None = field(default=None, compare=False)
    """Meta's clock, to the second; None where the answer does not name it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """No complete answer: why, in words that hold nothing of the request."""

    reason: str
    passing: bool = False
    may_have_arrived: bool = True
    """Whether Meta may have received the request; False where it never left."""


class PlainSession(requests.Session):
    """A session without redirects, proxies or .netrc of the environment, and without cookies."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self.mount(scheme, WatchedAdapter())

    def get_redirect_target(self, _resp: requests.Response) -> None:
        """Say that nothing is a redirect; looking closer would read its body without any limit."""
        return


class Transport:
    """Sends requests; `timeout` holds the seconds to connect and to wait for the next bytes."""

    def __init__(self, *, timeout: tuple[float, float]) -> None:
        self._timeout = timeout
        self._session = PlainSession()

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | bytes | None = None,
        once: bool = False,
    ) -> Answer:
        """Return Meta's answer, whatever its status; raise `GraphUnavailableError` without one.

        A GET is tried three times where the connection fails or Meta answers 502, 503 or 504.
        Anything else, and a GET marked `once`, is sent once: Meta has no idempotency key. All
        tries together keep to the deadline, reading a trickling answer included.
        """
        deadline = time.monotonic() + DEADLINE_SECONDS
        for pause in (*RETRY_PAUSES, None):
            outcome = self._exchange(method, url, deadline, headers, params, data)
            wait = _wait_before_retry(outcome, pause) if method == "GET" and not once else None
            if wait is None or time.monotonic() + wait >= deadline:
                break
            time.sleep(wait)
        if isinstance(outcome, Failure):
            raise GraphUnavailableError(outcome.reason, may_have_arrived=outcome.may_have_arrived)
        return outcome

    def _exchange(
        self,
        method: str,
        url: str,
        deadline: float,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None,
        data: Mapping[str, str] | bytes | None,
    ) -> Answer | Failure:
        """Do it once. Errors come back as values: a raised one would carry the URL as context."""
        with watched(deadline) as watch:
            try:
                with self._session.request(
                    method,
                    url,
                    # Uncompressed: a small answer must not unfold into a huge one.
                    headers={"Accept": "application/json", "Accept-Encoding": "identity"}
                    | dict(headers),
                    params=params,
                    data=data,
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    answer = _read(response, deadline)
                    # Cut in the middle of the headers, it would look like a short answer.
                    return Failure(TOO_SLOW) if watch.is_over else answer
            except (
                failures.RequestException,
                lower_failures.HTTPError,
                OSError,
                UnicodeError,
            ) as error:
                return _failure(error, watch)


def _read(response: requests.Response, deadline: float) -> Answer | Failure:
    body = bytearray()
    # read1 hands over what is there; read would wait for a full buffer from a trickling peer.
    while chunk := response.raw.read1(65536):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return Failure(TOO_LARGE)
        if time.monotonic() > deadline:
            return Failure(TOO_SLOW)
    usage = read_usage(response.status_code, response.headers)
    date = _date(response.headers.get("Date", ""))
    return Answer(response.status_code, bytes(body), usage, date)


def _date(header: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _failure(error: Exception, watch: Watch) -> Failure:
    cause = getattr(error.args[0], "reason", None) if error.args else None
    left = watch.has_left if watch.is_told else not _is_before_sending(error, cause)
    if watch.is_over:
        return Failure(TOO_SLOW, may_have_arrived=left)
    if isinstance(cause, lower_failures.NameResolutionError):
        return Failure(NO_SUCH_HOST, passing=True, may_have_arrived=left)
    for kind, reason, passing in REASONS:
        if isinstance(error, kind):
            return Failure(reason, passing, left)
    return Failure("the call to Meta could not be made", may_have_arrived=left)


def _is_before_sending(error: Exception, cause: object) -> bool:
    return isinstance(error, BEFORE_SENDING) or isinstance(cause, BEFORE_SENDING)


def _wait_before_retry(outcome: Answer | Failure, pause: float | None) -> float | None:
    """Return the seconds to wait before another try, None where there should be none."""
    if isinstance(outcome, Failure):
        return pause if outcome.passing else None
    if pause is None or outcome.status not in PASSING_STATUSES:
        return None
    return max(pause, min(outcome.usage.retry_after, RETRY_AFTER_CAP))
