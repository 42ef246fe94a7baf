"""Access tokens: issued, derived for a Page, and checked on every Graph call."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from .core import Emulator
from .errors import DEAD_TOKENS, MetaError
from .http import Request
from .ids import new_login_token, new_token, page_token
from .store import Row, Store

SHORT_LIFE = 3600
LONG_LIFE = 5_180_000
DATA_ACCESS = 90 * 24 * 3600
MESSAGING = {
    "facebook": "instagram_manage_messages",
    "instagram": "instagram_business_manage_messages",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """What the owner agreed to: permissions given and withheld, and the Pages ticked."""

    scopes: tuple[str, ...]
    declined: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A token that was issued, whether or not it still works."""

    value: str
    kind: str
    """`user`, `page`, `app`, or `instagram` for Instagram Login."""
    consent: Consent
    page_id: str | None = None
    """The Page of a Page token, or the one an Instagram account belongs to."""
    issued_at: float = 0.0
    expires_at: float = 0.0
    """0 means never."""
    dead_subcode: int = 0

    def allows(self, scope: str) -> bool:
        """Tell whether a permission was granted, and not taken back since."""
        return scope in self.consent.scopes

    def require(self, scope: str) -> None:
        """Refuse the call unless a permission was granted."""
        if not self.allows(scope):
            raise MetaError("permission", permission=scope)

    def require_messaging(self) -> None:
        """Refuse the call unless messages may be managed; each login has its own permission."""
        self.require(MESSAGING["instagram" if self.kind == "instagram" else "facebook"])

    def reaches(self, page_id: str) -> bool:
        """Tell whether the token is good for a Page."""
        alone = self.kind in {"page", "instagram"}
        return page_id == self.page_id if alone else page_id in self.consent.pages

    def problem(self, now: float) -> int:
        """Name the 190 subcode that stops this token, 0 when it works."""
        if self.dead_subcode:
            return self.dead_subcode
        return 463 if self.expires_at and now >= self.expires_at else 0


def app_token(emulator: Emulator) -> str:
    """Write the app's own token: its id and secret."""
    return f"{emulator.config.app_id}|{emulator.config.app_secret}"


def issue_user_token(store: Store, consent: Consent, *, now: float, life: float) -> str:
    """Give the app a new user token."""
    value = new_token()
    token = Token(value=value, kind="user", consent=consent, issued_at=now, expires_at=now + life)
    _insert(store, token)
    return value


def issue_login_token(store: Store, consent: Consent, *, now: float, life: float) -> str:
    """Give the app a token of Instagram Login for the one account in the consent."""
    token = Token(
        value=new_login_token(),
        kind="instagram",
        consent=consent,
        page_id=consent.pages[0],
        issued_at=now,
        expires_at=now + life,
    )
    _insert(store, token)
    return token.value


def issue_page_token(store: Store, user: Token, page_id: str) -> str:
    """Derive a Page token; it never expires when the user token is a long-lived one."""
    long_lived = user.expires_at - user.issued_at > SHORT_LIFE
    token = Token(
        value=page_token(user.value, page_id),
        kind="page",
        consent=user.consent,
        page_id=page_id,
        issued_at=user.issued_at,
        expires_at=0.0 if long_lived else user.expires_at,
    )
    _insert(store, token)
    return token.value


def _insert(store: Store, token: Token) -> None:
    consent = token.consent
    store.run(
        "INSERT OR IGNORE INTO token"
        " (token, kind, page_id, scopes, declined, pages, issued_at, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        token.value,
        token.kind,
        token.page_id,
        *(json.dumps(part) for part in (consent.scopes, consent.declined, consent.pages)),
        token.issued_at,
        token.expires_at,
    )


def consent_of(row: Row) -> Consent:
    """Read what was agreed to from a stored code or token, and not taken back since."""
    return Consent(
        scopes=tuple(one for one in json.loads(row["scopes"]) if one != row.get("taken_back")),
        declined=tuple(json.loads(row["declined"])),
        pages=tuple(json.loads(row["pages"])),
    )


def find_token(emulator: Emulator, value: str) -> Token | None:
    """Look a token up, dead ones too."""
    if hmac.compare_digest(value.encode(), app_token(emulator).encode()):
        return Token(value=value, kind="app", consent=Consent(scopes=()))
    row = emulator.store.one("SELECT * FROM token WHERE token = ?", value)
    if row is None:
        return None
    return Token(
        value=value,
        kind=row["kind"],
        consent=consent_of(row),
        page_id=row["page_id"],
        issued_at=row["issued_at"],
        expires_at=row["expires_at"],
        dead_subcode=row["dead_subcode"],
    )


def working_token(emulator: Emulator, value: str) -> Token:
    """Look a token up and refuse what does not work any more."""
    token = find_token(emulator, value)
    if token is None:
        raise MetaError("token_unknown")
    subcode = token.problem(emulator.now())
    if subcode:
        raise dead_token_error(emulator, token, subcode)
    return token


def dead_token_error(emulator: Emulator, token: Token, subcode: int) -> MetaError:
    """Say why a token is dead, in Meta's words."""
    when = datetime.fromtimestamp(token.expires_at, UTC).strftime("%A, %d-%b-%y %H:%M:%S UTC")
    return MetaError(f"token_{subcode}", app_id=emulator.config.app_id, when=when)


def given_token(request: Request) -> str:
    """Read the token of a request; empty when there is none."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    value = bearer.strip() if scheme.lower() in {"bearer", "oauth"} else ""
    return value or str(request.params.get("access_token") or "")


def authenticate(emulator: Emulator, request: Request) -> Token:
    """Find the caller's token in the header, the query or the body, and check its proof."""
    value = given_token(request)
    if not value:
        raise MetaError("no_token")
    token = working_token(emulator, value)
    proof = request.params.get("appsecret_proof")
    if proof is not None:
        _check_proof(emulator, token, str(proof))
    return token


def _check_proof(emulator: Emulator, token: Token, proof: str) -> None:
    """Check the proof; for Instagram Login nobody knows which secret makes it, so both do."""
    secrets = [emulator.config.app_secret]
    if token.kind == "instagram":
        secrets.append(emulator.config.login_app_secret)
    expected = [
        hmac.new(secret.encode(), token.value.encode(), hashlib.sha256).hexdigest()
        for secret in secrets
    ]
    if not any([hmac.compare_digest(one.encode(), proof.encode()) for one in expected]):
        raise MetaError("proof")


def kill_tokens(
    store: Store,
    subcode: int,
    page_id: str = "",
    kinds: Sequence[str] = ("user", "page", "instagram"),
) -> int:
    """Make tokens fail with one of Meta's subcodes; return how many. With a Page, only its own."""
    if subcode not in DEAD_TOKENS:
        raise ValueError(f"The subcode must be one of {sorted(DEAD_TOKENS)}.")
    with store.transaction():
        living = [
            row["token"]
            for row in store.all("SELECT * FROM token WHERE dead_subcode = 0")
            if row["kind"] in kinds and page_id in {"", row["page_id"]}
        ]
        for token in living:
            store.run("UPDATE token SET dead_subcode = ? WHERE token = ?", subcode, token)
    return len(living)


def has_tokens(store: Store, kinds: Sequence[str], page_id: str = "") -> bool:
    """Tell whether any token of these kinds, of a Page where given, was not stopped."""
    living = store.all("SELECT * FROM token WHERE dead_subcode = 0")
    return any(row["kind"] in kinds and page_id in {"", row["page_id"]} for row in living)


def take_back_messaging(store: Store, page_id: str) -> int:
    """Take the permission for messages from the tokens of a Page; return how many."""
    with store.transaction():
        rows = store.all("SELECT token, kind FROM token WHERE page_id = ?", page_id)
        for row in rows:
            scope = MESSAGING["instagram" if row["kind"] == "instagram" else "facebook"]
            store.run("UPDATE token SET taken_back = ? WHERE token = ?", scope, row["token"])
    return len(rows)


def revive_tokens(store: Store) -> int:
    """Let every token work again that was stopped, and do all it could; return how many died."""
    with store.transaction():
        dead = store.all("SELECT token FROM token WHERE dead_subcode != 0")
        store.run("UPDATE token SET dead_subcode = 0, taken_back = ''")
    return len(dead)
