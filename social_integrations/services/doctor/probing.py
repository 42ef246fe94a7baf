"""Ask for a page as Meta does: certificate checked, no redirect followed, bounded."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from requests import exceptions as failures
from urllib3 import exceptions as lower_failures

from social_integrations.graph.transport import PlainSession

# Meta: an answer has to come within five seconds.
TIMEOUT = (3.05, 5.0)
PROBE_SECONDS = 6.0
MAX_BYTES = 65_536

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


def probe(
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    data: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Probe:
    """Return what an address answers, be it anything; never raises. POST where there is `data`."""
    deadline = time.monotonic() + PROBE_SECONDS
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
            body = bytearray()
            while chunk := response.raw.read1(8192):
                body += chunk
                if len(body) > MAX_BYTES or time.monotonic() > deadline:
                    break
            return Probe(
                status=response.status_code,
                body=bytes(body),
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
