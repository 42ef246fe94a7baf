"""System checks: the legal pages must not go public without the operator's details."""

import re
from typing import Any

from django.core import checks

from legal.conf import Operator, filled_in

# Domains set aside for documentation and tests (RFC 2606): nobody reads mail sent there.
SAMPLE_DOMAIN = re.compile(
    r".*[@.](example(\.(com|org|net))?|invalid|test|localhost)", re.IGNORECASE
)


def check_operator_details(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Warn about every detail the legal pages would show as missing."""
    operator = Operator.from_settings()
    details = [
        (operator.name, "operator name", "LEGAL_OPERATOR_NAME", "legal.W001"),
        (operator.address, "operator address", "LEGAL_OPERATOR_ADDRESS", "legal.W002"),
        (operator.contact_email, "contact e-mail", "LEGAL_CONTACT_EMAIL", "legal.W003"),
        (filled_in("LEGAL_EFFECTIVE_DATE"), "effective date", "LEGAL_EFFECTIVE_DATE", "legal.W004"),
    ]
    messages: list[checks.CheckMessage] = [
        _not_set(label, variable, check_id)
        for value, label, variable, check_id in details
        if not value
    ]
    return messages + _undeliverable(operator) + _date_errors(operator)


def _not_set(label: str, variable: str, check_id: str) -> checks.CheckMessage:
    return checks.Warning(
        f"The legal pages have no usable {label}: it is missing, a placeholder or malformed.",
        hint=f"Set {variable}; until then the pages show “[{label} not set]”.",
        id=check_id,
    )


def _undeliverable(operator: Operator) -> list[checks.CheckMessage]:
    if not SAMPLE_DOMAIN.fullmatch(operator.contact_email):
        return []
    return [
        checks.Warning(
            f"The contact e-mail of the legal pages is a sample: {operator.contact_email}.",
            hint="Set LEGAL_CONTACT_EMAIL to an address that somebody reads.",
            id="legal.W003",
        )
    ]


def _date_errors(operator: Operator) -> list[checks.CheckMessage]:
    text = filled_in("LEGAL_EFFECTIVE_DATE")
    if not text or operator.effective_date:
        return []
    return [
        checks.Error(
            f"The effective date of the legal pages is not an ISO date: {text!r}.",
            hint="Set LEGAL_EFFECTIVE_DATE to a date written as 2026-11-23.",
            id="legal.E001",
        )
    ]
