"""Where a customer came from: the ad, link or product that led into the conversation, in words."""

from typing import Any

from django.utils.translation import gettext as _

from social_integrations.events.messages import REFERRAL_KIND
from social_integrations.models import Message
from social_integrations.showing import one_line

NAME_LENGTH = 80


def origin_of(message: Message) -> str:
    """Return a sentence about what led here; empty where Meta said nothing."""
    referral = message.referral
    if not referral:
        return ""
    named = _name(referral)
    if referral.get("ad_id"):
        return _("Came through the ad “%s”") % named if named else _("Came through an ad")
    if isinstance(referral.get("product"), dict):
        product = one_line(referral["product"].get("id", ""), NAME_LENGTH)
        return _("Asks about product %s") % product
    again = message.kind == REFERRAL_KIND
    if named:
        words = _("Came back through the link “%s”") if again else _("Came through the link “%s”")
        return words % named
    return _("Came back through a link") if again else _("Came through a link")


def _name(referral: dict[str, Any]) -> str:
    context = referral.get("ads_context_data")
    title = context.get("ad_title") if isinstance(context, dict) else None
    return one_line(title or referral.get("ref") or "", NAME_LENGTH)
