"""Print the operator's details, and say so plainly when one is missing."""

from urllib.parse import quote

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from legal.conf import Operator

register = template.Library()


@register.simple_tag
def operator_details() -> Operator:
    """Return who runs this installation, for pages of other apps as well."""
    return Operator.from_settings()


@register.filter
def or_unset(value: str, label: str) -> SafeString:
    """Print the value, or a highlighted note that it has not been set."""
    if value:
        return format_html("{}", value)
    return format_html('<mark class="unset">[{} not set]</mark>', label)


@register.filter
def mail_link(address: str) -> SafeString:
    """Link the contact address, or note that it has not been set."""
    if not address:
        return or_unset(address, "contact e-mail")
    return format_html('<a href="mailto:{}">{}</a>', quote(address, safe="@"), address)
