"""The host's record of a contact: found by its own code, which may fail as it likes."""

from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from social_integrations.models import Contact
from social_integrations.services.crm_records import CrmRecord, crm_record, safe_address
from social_integrations.tests.factories import make_contact

pytestmark = pytest.mark.django_db

HERE = __name__


def known(contact: Contact) -> CrmRecord:
    return CrmRecord(f"  Customer\n{contact.username} ", f"/customers/{contact.pk}/")


def unknown(_contact: Contact) -> None:
    return None


def broken(_contact: Contact) -> CrmRecord:
    raise RuntimeError("customer Tamar, +995 555")


def breaks_the_transaction(_contact: Contact) -> CrmRecord:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")
    return CrmRecord("never")


def of_another_kind(_contact: Contact) -> Any:
    return {"label": "Customer"}


def hostile(_contact: Contact) -> CrmRecord:
    return CrmRecord("Customer", "javascript:alert(1)")


def nameless(_contact: Contact) -> CrmRecord:
    return CrmRecord("  ", "/customers/1/")


def found_by(name: str, settings: Settings) -> CrmRecord | None:
    settings.INSTAGRAM_CONTACT_RESOLVER = f"{HERE}.{name}"
    return crm_record(make_contact(username="tamar"))


def test_without_a_resolver_there_is_no_record() -> None:
    assert crm_record(make_contact()) is None


def test_the_record_is_found(settings: Settings) -> None:
    settings.INSTAGRAM_CONTACT_RESOLVER = f"{HERE}.known"
    contact = make_contact(username="tamar")
    assert crm_record(contact) == CrmRecord("Customer tamar", f"/customers/{contact.pk}/")


@pytest.mark.parametrize("name", ["unknown", "nameless", "of_another_kind", "missing", "broken"])
def test_no_usable_answer_is_no_record(name: str, settings: Settings) -> None:
    assert found_by(name, settings) is None


def test_errors_are_logged_by_type_only(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    assert found_by("broken", settings) is None
    assert "RuntimeError" in caplog.text
    assert "Tamar" not in caplog.text
    assert "995" not in caplog.text


def test_a_broken_statement_leaves_the_transaction_usable(settings: Settings) -> None:
    assert found_by("breaks_the_transaction", settings) is None
    assert Contact.objects.exists()


def test_a_link_that_is_none_is_left_out(settings: Settings) -> None:
    assert found_by("hostile", settings) == CrmRecord("Customer", "")


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("/customers/7/?tab=orders", True),
        ("https://crm.operator.org/customers/7", True),
        ("http://crm.operator.org/", True),
        ("//evil.example/", False),
        ("/\\evil.example", False),
        ("/customers/\n7", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("customers/7", False),
        ("https://user:pass@crm.operator.org/", False),
        ("", False),
    ],
)
def test_which_addresses_may_be_linked(url: str, kept: bool) -> None:
    assert safe_address(url) == (url if kept else "")
