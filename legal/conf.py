"""The operator's details, read from the Django settings each time they are needed."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

PLACEHOLDER = re.compile(
    r"\[.*\]"
    r"|<?change[-_ ]?me\b.*|to[-_ ]?do|tbd|x{3,}|n/?a|none|placeholder|not[-_ ]set"
    r"|<?your[-_ ](company|name|organi[sz]ation|business|address|e-?mail|legal)\b.*",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who runs this installation; a detail nobody has filled in yet is empty."""

    name: str
    address: str
    contact_email: str
    effective_date: date | None

    @classmethod
    def from_settings(cls) -> Self:
        """Read the details as they are set now."""
        return cls(
            name=filled_in("LEGAL_OPERATOR_NAME"),
            address=filled_in("LEGAL_OPERATOR_ADDRESS"),
            contact_email=_email(filled_in("LEGAL_CONTACT_EMAIL")),
            effective_date=_iso_date(filled_in("LEGAL_EFFECTIVE_DATE")),
        )


def filled_in(setting: str) -> str:
    """Return a setting's text, or nothing while it is missing or still a placeholder."""
    text = str(getattr(settings, setting, None) or "").strip()
    return "" if PLACEHOLDER.fullmatch(text) else text


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        return ""
    return text


def _iso_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
