"""Addresses we pass on: Meta fetches files from them, customers open them from buttons."""

import re
from urllib.parse import urlsplit

from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext

from social_integrations.exceptions import DraftError
from social_integrations.media.links import HOST, UNSAFE_IN_LINK

MAX_URL = 2000
# Ends of names that lead nowhere on the public internet, or into somebody's own network.
PRIVATE_ENDS = frozenset(
    {
        "localhost",
        "local",
        "localdomain",
        "internal",
        "intranet",
        "lan",
        "home",
        "corp",
        "private",
        "arpa",
        "invalid",
        "onion",
    }
)
# A name's last part is never a number: such hosts are addresses in one of many spellings.
NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")


def check_link(url: object) -> str:
    """Return a public https address in plain ASCII; raise `DraftError` for any other.

    Nothing is looked up or fetched: whether it leads anywhere, Meta finds out.
    """
    if not isinstance(url, str) or len(url) > MAX_URL or UNSAFE_IN_LINK.search(url):
        raise _refusal(gettext("This is not a web address Instagram takes."))
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        raise _refusal(gettext("This web address cannot be read.")) from None
    if parts.scheme != "https":
        raise _refusal(gettext("Instagram takes addresses that begin with https:// only."))
    if "@" in parts.netloc:
        raise _refusal(gettext("The address holds a user name or password."))
    if not _is_public_name(host) or port == 0:
        raise _refusal(gettext("The address does not lead to a public web site."))
    netloc = host if port in (None, 443) else f"{host}:{port}"
    plain = iri_to_uri(parts._replace(scheme="https", netloc=netloc).geturl())
    if len(plain) > MAX_URL:
        raise _refusal(gettext("This web address is too long."))
    return plain


def _is_public_name(host: str) -> bool:
    name = host.removesuffix(".")
    end = name.rpartition(".")[2]
    return (
        bool(HOST.fullmatch(name))
        and len(name) <= 253
        and end not in PRIVATE_ENDS
        and not NUMBER.fullmatch(end)
    )


def _refusal(sentence: str) -> DraftError:
    return DraftError(
        "url", sentence, gettext("Give a full address such as https://shop.example/.")
    )
