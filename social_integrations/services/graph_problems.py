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
# Code 100 without a subcode covers several faults; here alone Meta's words decide.
WORDS_OF_REFUSALS = {
    "redirect_uri": "redirect_mismatch",
    "client secret": "wrong_app_secret",
    "has expired": "code_expired",
    "has been used": "code_used",
}
KINDS = {
    ErrorKind.THROTTLED: "meta_busy",
    ErrorKind.TEMPORARY: "meta_unreachable",
}


def name_exchange_error(error: GraphError) -> tuple[str, str]:
    """Return problem code and detail for a refused or failed code exchange."""
    if isinstance(error, GraphRefusedError):
        code = EXCHANGE_REFUSALS.get((error.code, error.subcode))
        if error.subcode is None and code in ("code_invalid", "wrong_app_secret"):
            words = (name for text, name in WORDS_OF_REFUSALS.items() if text in str(error))
            code = next(words, code)
        if code:
            return code, ""
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
