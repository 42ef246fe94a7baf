"""The host CRM's own record of a contact, found by a function of the host's.

`INSTAGRAM_CONTACT_RESOLVER` names it: it takes a `Contact` and returns a `CrmRecord` or None.
"""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.module_loading import import_string

from social_integrations.conf import app_settings
from social_integrations.media.links import UNSAFE_IN_LINK, safe_link
from social_integrations.models import Contact

from .failures import describe_in_a_line
from .texts import clean_text

logger = logging.getLogger(__name__)

LONGEST_LABEL = 200


@dataclass(frozen=True, slots=True)
class CrmRecord:
    """What the host's CRM knows a contact as."""

    label: str
    url: str = ""
    """Where the record is shown: a path of this site, or an http(s) address; else no link."""


def crm_record(contact: Contact) -> CrmRecord | None:
    """Return the host's record of a contact; None where there is none or its code fails.

    The host's code never breaks a page of ours: of what it raises, kind and place are logged, never
    the words, which may name a customer.
    """
    path = app_settings.CONTACT_RESOLVER
    if not path:
        return None
    try:
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            found = _resolver(path)(contact)
    except Exception as error:  # noqa: BLE001 - the host's code may raise anything
        logger.warning("The contact resolver failed: %s", describe_in_a_line(error))
        return None
    if found is None:
        return None
    if not isinstance(found, CrmRecord):
        logger.warning("The contact resolver returned %s, no CrmRecord", type(found).__name__)
        return None
    return _made_safe(found)


def _resolver(path: str) -> Callable[[Contact], object]:
    found: Callable[[Contact], object] = import_string(path)
    return found


def _made_safe(record: CrmRecord) -> CrmRecord | None:
    label = " ".join(str(record.label).split())[:LONGEST_LABEL]
    return CrmRecord(label, safe_address(str(record.url))) if label else None


def safe_address(url: str) -> str:
    """Return an address a link may lead to: http(s), or a path of this site; else nothing."""
    is_path = url.startswith("/") and not url.startswith("//") and not UNSAFE_IN_LINK.search(url)
    return url if is_path else safe_link(url).href


def set_crm_reference(contact: Contact, reference: str) -> None:
    """Note by hand which record of the host's CRM a contact is; empty takes the note away."""
    contact.crm_reference = " ".join(clean_text(reference).split())[:255]
    contact.save(update_fields=["crm_reference"])
