"""The headers that tell how much of an allowance is used (section 9 of the reference)."""

import json

from .core import Emulator
from .http import BadBodyError, Request
from .tokens import Token, find_token, given_token

BUSINESS = "330000000000001"


def usage_headers(emulator: Emulator, request: Request, told: int = 0) -> dict[str, str]:
    """Write both usage headers once the switch `usage`, or the fault being `told`, is above 0.

    Meta's pages name the business, answers the account as well; a user token has no account.
    """
    percent = told or int(emulator.switch("usage"))
    if not percent:
        return {}
    token = _token(emulator, request)
    page = emulator.store.one("SELECT * FROM page WHERE id = ?", token.page_id if token else None)
    share = {"call_count": percent, "total_time": percent // 2, "total_cputime": percent // 3}
    case = {
        "type": "instagram" if token and token.kind == "instagram" else "messenger",
        **share,
        # Meta: in minutes.
        "estimated_time_to_regain_access": int(emulator.switch("regain")) if percent >= 100 else 0,
    }
    owner = str(page["account_id"]) if page else BUSINESS
    return {
        "X-App-Usage": json.dumps(share),
        "X-Business-Use-Case-Usage": json.dumps({owner: [case]}),
    }


def _token(emulator: Emulator, request: Request) -> Token | None:
    try:
        return find_token(emulator, given_token(request))
    except BadBodyError:
        return None
