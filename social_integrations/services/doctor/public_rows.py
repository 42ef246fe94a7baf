"""Our public address, looked at from outside in, as Meta would."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.urls import NoReverseMatch, reverse

from social_integrations.conf import app_settings
from social_integrations.graph.signatures import sign

from .probing import DNS, REFUSED, SLOW, TLS, Probe, is_this_computer, probe
from .rows import Check, Finding, amber, green, red, skipped
from .settings_rows import NO_LEGAL_PAGES

LEGAL_PAGES = ("legal:privacy", "legal:terms", "legal:data_deletion")
# Signed like a delivery and no JSON: it is let in, counted as such, and nothing is stored.
UNREADABLE = b"doctor"
PROXY = "Look at the proxy in front of this server."
CERTIFICATE = (
    "Install a certificate that browsers accept for this host, with its whole chain; Meta refuses "
    "self-signed ones. Let's Encrypt gives them for free."
)
UNREACHED = skipped("Not looked at: the public address gives no answer.")
NO_ADDRESS = skipped("Not looked at: set INSTAGRAM_REDIRECT_URI to a public HTTPS address.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicFacts:
    """What our own doors answered; none of it where there is no address fit for secrets."""

    origin: str
    redirect_uri: str
    callback_path: str
    challenge: str = ""
    handshake: Probe | None = None
    delivery: Probe | None = None
    pages: Mapping[str, Probe] = field(default_factory=dict)
    """Each legal page's address and what it answered."""

    @property
    def is_local(self) -> bool:
        """Whether the address is good on this computer only."""
        return is_this_computer(self.origin)

    @property
    def is_reached(self) -> bool:
        """Whether anything at all answered."""
        return self.handshake is not None and not self.handshake.trouble


def webhook_url() -> str:
    """Return the callback URL to be entered at Meta; empty without a public address."""
    origin = app_settings.PUBLIC_ORIGIN
    return origin + reverse("social_integrations:webhook") if origin else ""


def gather() -> PublicFacts:
    """Call our own webhook and legal pages through the public internet."""
    known = PublicFacts(
        origin=app_settings.PUBLIC_ORIGIN,
        redirect_uri=app_settings.REDIRECT_URI,
        callback_path=reverse("social_integrations:oauth-callback"),
    )
    # The verify token stands in the address: over plain HTTP it stays on this computer.
    fit = known.origin.startswith("https://") or known.is_local
    if not fit or not app_settings.WEBHOOK_VERIFY_TOKENS:
        return known
    challenge = str(secrets.randbelow(10**10))
    query = {
        "hub.mode": "subscribe",
        "hub.challenge": challenge,
        "hub.verify_token": app_settings.WEBHOOK_VERIFY_TOKENS[0],
    }
    handshake = probe(webhook_url(), params=query)
    return PublicFacts(
        origin=known.origin,
        redirect_uri=known.redirect_uri,
        callback_path=known.callback_path,
        challenge=challenge,
        handshake=handshake,
        # One that does not answer is not asked again: each try costs seconds.
        delivery=None if handshake.trouble else _deliver(),
        pages={} if handshake.trouble else _legal_pages(known.origin),
    )


def _deliver() -> Probe | None:
    found = app_settings.ALL_APP_SECRETS
    if not found:
        return None
    headers = {
        "Content-Type": "application/json",
        "X-Hub-Signature-256": sign(UNREADABLE, found[0]),
    }
    return probe(webhook_url(), data=UNREADABLE, headers=headers)


def _legal_pages(origin: str) -> dict[str, Probe]:
    found = {}
    for name in LEGAL_PAGES:
        try:
            url = origin + reverse(name)
        except NoReverseMatch:
            continue
        found[url] = probe(url)
    return found


def _https(facts: PublicFacts) -> Finding:
    if not facts.origin:
        return NO_ADDRESS
    if facts.origin.startswith("https://"):
        return green(f"{facts.origin} is HTTPS.")
    if facts.is_local:
        return skipped(
            f"{facts.origin} is this computer: good for the emulator, but Meta cannot reach it."
        )
    return red(
        f"{facts.origin} is not HTTPS: Meta refuses it.",
        "Set INSTAGRAM_REDIRECT_URI (and INSTAGRAM_PUBLIC_URL, if used) to the https:// address.",
    )


def _redirect_uri(facts: PublicFacts) -> Finding:
    if not facts.redirect_uri:
        return NO_ADDRESS
    parts = urlsplit(facts.redirect_uri)
    wanted = f"{parts.scheme}://{parts.netloc}{facts.callback_path}"
    if facts.redirect_uri == wanted and facts.redirect_uri.startswith(f"{facts.origin}/"):
        return green("INSTAGRAM_REDIRECT_URI leads to the door where Meta sends people back.")
    if facts.redirect_uri == wanted:
        return amber(
            f"INSTAGRAM_REDIRECT_URI and INSTAGRAM_PUBLIC_URL ({facts.origin}) are two addresses.",
            "Give both the same scheme and host, unless this server really has two names.",
        )
    if facts.redirect_uri.rstrip("/") == wanted.rstrip("/"):
        return red(
            "INSTAGRAM_REDIRECT_URI differs from the address of our door by the slash at its end.",
            f"Set it to {wanted}, and enter the same in the Meta app.",
        )
    return red(
        "INSTAGRAM_REDIRECT_URI does not lead to the door where people come back from Meta.",
        f"Set it to {wanted}, and enter the same in the Meta app.",
    )


def _reachable(facts: PublicFacts) -> Finding:
    if facts.handshake is None:
        return NO_ADDRESS
    host = urlsplit(facts.origin).netloc
    by_trouble = {
        DNS: red(
            f"The name {host} does not exist in DNS.",
            "Make the DNS entry, or correct the host in INSTAGRAM_REDIRECT_URI.",
        ),
        SLOW: red(
            f"{host} did not answer within five seconds, which is all Meta waits.",
            "Look for a firewall, and at the server's load. A server with one single worker cannot "
            "call itself: then run manage.py instagram_doctor beside it.",
        ),
        REFUSED: red(
            f"{host} does not accept connections.",
            "Start the server and its proxy, and open the port in the firewall.",
        ),
        TLS: green(f"{host} answers."),
        "": green(f"{host} answers."),
    }
    broken = red(f"{host} broke off without a complete answer.", PROXY)
    return by_trouble.get(facts.handshake.trouble, broken)


def _certificate(facts: PublicFacts) -> Finding:
    if facts.handshake is None or not facts.origin.startswith("https://"):
        return skipped("Not looked at: the address is not HTTPS.")
    if facts.handshake.trouble == TLS:
        return red("The certificate of the public address cannot be verified.", CERTIFICATE)
    return green("The certificate is accepted.") if facts.is_reached else UNREACHED


def _no_redirect(facts: PublicFacts) -> Finding:
    handshake = facts.handshake
    if handshake is None or not facts.is_reached:
        return UNREACHED
    if not handshake.is_redirect:
        return green("The webhook address answers itself; Meta follows no redirects.")
    target = urlsplit(handshake.location)
    if target.path.rstrip("/") == urlsplit(webhook_url()).path.rstrip("/") and target.netloc in (
        "",
        urlsplit(facts.origin).netloc,
    ):
        return red(
            "The webhook redirects to itself, or to its address without the slash.",
            "Tell the app that its proxy speaks HTTPS: TRUST_X_FORWARDED_PROTO=true (Django's "
            "SECURE_PROXY_SSL_HEADER), and let the proxy pass addresses on unchanged.",
        )
    return red(
        f"The webhook redirects to {target.netloc or 'another page'}; Meta does not follow.",
        "Set INSTAGRAM_REDIRECT_URI, and the callback URL in the Meta app, to the host that "
        "answers itself.",
    )


def _handshake(facts: PublicFacts) -> Finding:
    handshake = facts.handshake
    if handshake is None or not facts.is_reached:
        return UNREACHED
    if handshake.status == 200:
        return green("The webhook accepts its verify token.")
    by_status = {
        400: red(
            "The server answers 400 to its own name.",
            f"Add {urlsplit(facts.origin).hostname} to ALLOWED_HOSTS.",
        ),
        403: red(
            "The public server refuses our verify token.",
            "Restart it, so that it reads INSTAGRAM_WEBHOOK_VERIFY_TOKEN again; enter the same "
            "token in the Meta app under Webhooks > Instagram.",
        ),
        404: red(
            f"There is no webhook at {webhook_url()}.",
            "Let the proxy pass /api/social/instagram/ to this app, and compare INSTAGRAM_PUBLIC_"
            "URL and INSTAGRAM_REDIRECT_URI with the server's name.",
        ),
    }
    other = red(
        f"The webhook answers with HTTP {handshake.status} instead of the challenge.",
        "Look at the server's log, and at the proxy.",
    )
    return by_status.get(handshake.status, other)


def _plain_text(facts: PublicFacts) -> Finding:
    handshake = facts.handshake
    if handshake is None or handshake.status != 200:
        return skipped("Not looked at: the handshake gives no challenge.")
    if handshake.body != facts.challenge.encode():
        return red("The webhook's answer is not the bare challenge Meta wants.", PROXY)
    if handshake.content_type.partition(";")[0].strip().lower() != "text/plain":
        return red("The challenge comes back as something else than text/plain.", PROXY)
    return green("The challenge comes back bare, as plain text.")


def _delivery(facts: PublicFacts) -> Finding:
    if facts.delivery is None:
        return skipped("Not looked at: no app secret, or the public address gives no answer.")
    status = facts.delivery.status
    if status == 400:
        return green("The webhook lets in what is signed with our app secret.")
    if status == 403:
        return red(
            "The public server refuses a delivery signed with our own app secret.",
            "Restart it, so that it reads INSTAGRAM_APP_SECRET again; if that is not it, a proxy "
            "changes the bodies of requests.",
        )
    return red(
        f"A delivery is answered with HTTP {status}."
        if status
        else "A delivery got no answer within five seconds.",
        f"{PROXY} POST requests of up to 8 MiB have to reach the webhook unchanged.",
    )


def _legal(facts: PublicFacts) -> Finding:
    if not facts.is_reached:
        return UNREACHED
    if not facts.pages:
        return NO_LEGAL_PAGES
    broken = [url for url, answer in facts.pages.items() if answer.status != 200]
    if not broken:
        return green("Privacy policy, terms and data deletion answer with 200.")
    return red(
        f"{broken[0]} does not answer with 200, and Meta looks at it.",
        "Let the proxy pass /legal/ to this app, or enter another page in the Meta app under App "
        "settings > Basic.",
    )


CHECKS: tuple[Check[PublicFacts], ...] = (
    Check("https", "HTTPS", _https),
    Check("redirect_uri", "Redirect URI", _redirect_uri),
    Check("reachable", "Reachable", _reachable),
    Check("certificate", "Certificate", _certificate),
    Check("no_redirect", "No redirect, slash kept", _no_redirect),
    Check("handshake", "Webhook handshake", _handshake),
    Check("plain_text", "Challenge as plain text", _plain_text),
    Check("signed_delivery", "Signed delivery", _delivery),
    Check("legal_pages", "Legal pages", _legal),
)
