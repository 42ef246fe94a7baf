"""Which connect problem a refused or failed Graph call is."""

from social_integrations.exceptions import GraphError, GraphRefusedError
from social_integrations.graph.errors import ErrorKind, explain

# (code, subcode) of a refused code exchange → our problem.
EXCHANGE_REFUSALS: dict[tuple[int, int | None], str] = {
    (1, None): "wrong_app_secret",  # "Error validating client secret"
    (101, None): "wrong_app_id",
    (100, 36007): "code_expired",
    (100, 36008): "redirect_mismatch",
    (100, 36009): "code_used",
    (100, None): "code_invalid",
    (191, None): "redirect_mismatch",
}
# Code 100 without a subcode, and all of api.instagram.com's errors (400), cover several faults;
# here alone Meta's words decide.
AMBIGUOUS = {(100, None), (1, None), (400, None)}
WORDS_OF_REFUSALS = {
    "redirect_uri": "redirect_mismatch",
    "client secret": "wrong_app_secret",
    "client_secret": "wrong_app_secret",
    "platform app": "wrong_app_id",
    "client_id": "wrong_app_id",
    "has expired": "code_expired",
    "been used": "code_used",
    "already used": "code_used",
    "authorization code": "code_invalid",
    "code was not found": "code_invalid",
}
# The same faults have settings of their own with Instagram Login.
LOGIN_WORDS = {"wrong_app_secret": "wrong_login_secret", "wrong_app_id": "wrong_login_id"}
KINDS = {
    ErrorKind.THROTTLED: "meta_busy",
    ErrorKind.TEMPORARY: "meta_unreachable",
}


def name_exchange_error(error: GraphError, *, login: str = "facebook") -> tuple[str, str]:
    """Return problem code and detail for a refused or failed code exchange."""
    if isinstance(error, GraphRefusedError):
        pair = (error.code, error.subcode)
        code = EXCHANGE_REFUSALS.get(pair, "")
        if pair in AMBIGUOUS:
            words = str(error).lower()
            code = next((name for text, name in WORDS_OF_REFUSALS.items() if text in words), code)
        if code:
            return (LOGIN_WORDS.get(code, code) if login == "instagram" else code), ""
    return name_graph_error(error)


def name_graph_error(error: GraphError) -> tuple[str, str]:
    """Return problem code and detail for any other failed call."""
    if not isinstance(error, GraphRefusedError):
        return "meta_unreachable", str(error)
    row = explain(error.code, error.subcode)
    number = f"{error.code}/{error.subcode}" if error.subcode else str(error.code)
    if row.kind in KINDS:
        return KINDS[row.kind], f"Meta's error {number}"
    return "meta_refused", f"{row.sentence} (Meta's error {number}.)"
