"""Lists with cursors, as Graph answers them."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from .caller import Params

PAGE_SIZE = 25
NOT_KEPT = frozenset({"_url", "_file", "after", "before"})


def paged(
    rows: list[dict[str, Any]], params: Params, show: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """Answer one page of a list, with cursors, and the address of the next page if any."""
    size = _page_size(params.get("limit"))
    cursors = [_cursor(row["id"]) for row in rows]
    after, before = str(params.get("after", "")), str(params.get("before", ""))
    start = cursors.index(after) + 1 if after in cursors else 0
    stop = start + size
    if before in cursors:
        stop = cursors.index(before)
        start = max(0, stop - size)
    chosen = range(start, min(stop, len(rows)))
    if not chosen:
        return {"data": []}
    first, last = cursors[chosen[0]], cursors[chosen[-1]]
    paging: dict[str, Any] = {"cursors": {"before": first, "after": last}}
    kept = {key: value for key, value in params.items() if key not in NOT_KEPT}
    if stop < len(rows):
        paging["next"] = f"{params['_url']}?{urlencode({**kept, 'after': last})}"
    if start > 0:
        paging["previous"] = f"{params['_url']}?{urlencode({**kept, 'before': first})}"
    return {"data": [show(rows[index]) for index in chosen], "paging": paging}


def _page_size(limit: object) -> int:
    text = str(limit or PAGE_SIZE)
    return max(1, min(int(text), 100)) if text.isdecimal() else PAGE_SIZE


def _cursor(row_id: str) -> str:
    return base64.urlsafe_b64encode(f"QVFI:{row_id}".encode()).decode()
