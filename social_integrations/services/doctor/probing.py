"""Ask for a page as Meta does: certificate checked, no redirect followed, bounded."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from requests import exceptions as failures
from urllib3 import exceptions as lower_failures

from social_integrations.graph.transport import PlainSession

# Meta: an answer has to come within five seconds.
TIMEOUT = (3.05, 5.0)
PROBE_SECONDS = 8.5
MAX_BYTES = 65_536

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
DNS, TLS, REFUSED, SLOW, BROKEN = "dns", "tls", "refused", "slow", "broken"
# First match wins: the subclasses stand before what they inherit from.
TROUBLES: tuple[tuple[type[Exception], str], ...] = (
    (failures.SSLError, TLS),
    (failures.Timeout, SLOW),
    (lower_failures.ReadTimeoutError, SLOW),
    (failures.ConnectionError, REFUSED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What came back, or in one word why nothing did."""

    status: int = 0
    body: bytes = b""
    content_type: str = ""
    location: str = ""
    trouble: str = ""

    @property
    def is_redirect(self) -> bool:
        """Whether it sends the caller elsewhere."""
        return 300 <= self.status < 400


def is_this_computer(url: str) -> bool:
    """Return whether an address is good on this computer only, as in the demo."""
    return urlsplit(url).hostname in LOOPBACK


def probe(
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    data: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = PROBE_SECONDS,
) -> Probe:
    """Return what an address answers within the time, be it anything; never raises.

    GET, or POST where there is `data`. The timeouts of a socket count from one byte to the next; in
    a thread of its own a peer that trickles its answer holds up nobody.
    """
    found: list[Probe] = []
    asking = threading.Thread(
        target=lambda: found.append(_ask(url, params, data, headers)), daemon=True
    )
    asking.start()
    asking.join(seconds)
    return found[0] if found else Probe(trouble=SLOW)


def _ask(
    url: str,
    params: Mapping[str, str] | None,
    data: bytes | None,
    headers: Mapping[str, str] | None,
) -> Probe:
    try:
        with (
            PlainSession() as session,
            session.request(
                "GET" if data is None else "POST",
                url,
                params=params,
                data=data,
                headers={"Accept": "*/*", "Accept-Encoding": "identity", **(headers or {})},
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            return Probe(
                status=response.status_code,
                body=response.raw.read(MAX_BYTES, decode_content=False),
                content_type=response.headers.get("Content-Type", ""),
                location=response.headers.get("Location", ""),
            )
    except (failures.RequestException, lower_failures.HTTPError, OSError, ValueError) as error:
        return Probe(trouble=_trouble(error))


def _trouble(error: Exception) -> str:
    cause = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(cause, lower_failures.NameResolutionError):
        return DNS
    return next((name for kind, name in TROUBLES if isinstance(error, kind)), BROKEN)
