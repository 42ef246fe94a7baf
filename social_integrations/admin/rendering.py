"""Words, links and JSON of strangers, made harmless to look at."""

import json
from collections.abc import Callable
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from social_integrations.media.links import safe_link
from social_integrations.showing import one_line, visible

JSON_LENGTH = 100_000

__all__ = ["link_html", "one_line", "pretty_json", "state_html", "visible"]


def link_html(label: str, url: str) -> str | SafeString:
    """Return a link that shows its host, or words where there is nothing to follow."""
    link = safe_link(url)
    if not link.href:
        return "not a web link" if url else ""
    return format_html(
        '<a href="{}" rel="noopener noreferrer nofollow" target="_blank">{}</a> '
        '<span class="ig-host">{}</span>',
        link.href,
        label,
        link.host,
    )


def _indented(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def pretty_json(read: Callable[[], Any]) -> SafeString:
    """Return JSON laid out in `<pre>`; reading it may fail on its nesting as well."""
    for layout in (_indented, _compact):
        try:
            laid_out = layout(read())
        except (RecursionError, ValueError):
            continue
        # Deep nesting indents itself to great length; without indentation more of it fits.
        if len(laid_out) <= JSON_LENGTH or layout is _compact:
            return format_html('<pre class="ig-pre">{}</pre>', visible(laid_out, JSON_LENGTH))
    return format_html("<em>{}</em>", "Nested too deeply to be shown here.")


def state_html(state: str, label: str) -> SafeString:
    """Return a coloured label; the colour is the style sheet's."""
    return format_html('<span class="ig-state ig-state-{}">{}</span>', state, label)
