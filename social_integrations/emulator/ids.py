"""Identifiers shaped like Meta's: long digit strings, tokens, codes and message ids."""

import base64
import hashlib
import secrets


def new_digits() -> str:
    """Name a Page, account or person in 16 digits."""
    return str(10**15 + secrets.randbelow(9 * 10**15))


def new_account_id() -> str:
    """Name an Instagram professional account; Meta's begin with 1784."""
    return f"17841{secrets.randbelow(10**12):012d}"


def scoped_id(account_id: str, customer_id: str) -> str:
    """Name a customer for one business only; the same pair always gives the same id."""
    digest = hashlib.sha256(f"{account_id}:{customer_id}".encode()).digest()
    return str(10**15 + int.from_bytes(digest[:8]) % (9 * 10**15))


def new_mid(account_id: str, thread: str) -> str:
    """Name a message in about 170 characters of base64, as Instagram does."""
    inner = f"ig_dm_item:1:IGMessageID:{account_id}:{thread}:{secrets.randbits(96):029d}"
    padded = f"{inner}:{secrets.token_hex(18)}"
    return base64.urlsafe_b64encode(padded.encode()).decode().rstrip("=") + "ZD"


def new_token() -> str:
    """Make a user access token."""
    return "EAA" + _letters(secrets.token_bytes(120))


def new_login_token() -> str:
    """Make an Instagram User access token."""
    return "IGAA" + _letters(secrets.token_bytes(120))


def conversation_id(account_id: str, customer_id: str) -> str:
    """Name a conversation; the same pair always gives the same id."""
    inner = f"ig_dm_thread:1:IGMessageThread:{account_id}:{customer_id}"
    return base64.urlsafe_b64encode(inner.encode()).decode().rstrip("=")


def read_conversation_id(text: str) -> tuple[str, str] | None:
    """Read account and customer from a conversation's id; None when it is none of ours."""
    try:
        inner = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        return None
    parts = inner.split(":")
    if parts[:3] != ["ig_dm_thread", "1", "IGMessageThread"] or len(parts) != 5:
        return None
    return parts[3], parts[4]


def app_scoped_id(account_id: str) -> str:
    """Name an Instagram account for one app, which is not its account id."""
    digest = hashlib.sha256(f"app:{account_id}".encode()).digest()
    return str(2 * 10**16 + int.from_bytes(digest[:8]) % 10**16)


def page_token(user_token: str, page_id: str) -> str:
    """Derive the token one user token gives for one Page."""
    seed = f"{user_token}:{page_id}".encode()
    return "EAA" + _letters(hashlib.shake_256(seed).digest(120))


def new_code() -> str:
    """Make an authorization code."""
    return "AQ" + _letters(secrets.token_bytes(150))


def _letters(raw: bytes) -> str:
    text = base64.b64encode(raw).decode()
    return text.replace("+", "Z").replace("/", "D").replace("=", "")
