"""The system checks name every detail that is missing, and nothing else."""

import pytest
from django.core.checks import Error, run_checks
from pytest_django import Settings

COMPLETE = {
    "LEGAL_OPERATOR_NAME": "Harbour Books Ltd",
    "LEGAL_OPERATOR_ADDRESS": "1 Quay Street\nPort Town",
    "LEGAL_CONTACT_EMAIL": "privacy@harbour-books.ge",
    "LEGAL_EFFECTIVE_DATE": "2026-11-23",
}
WARNINGS = {
    "LEGAL_OPERATOR_NAME": "legal.W001",
    "LEGAL_OPERATOR_ADDRESS": "legal.W002",
    "LEGAL_CONTACT_EMAIL": "legal.W003",
    "LEGAL_EFFECTIVE_DATE": "legal.W004",
}


@pytest.fixture(autouse=True)
def complete(settings: Settings) -> None:
    for name, value in COMPLETE.items():
        setattr(settings, name, value)


def found() -> list[str | None]:
    return [message.id for message in run_checks(tags=["legal"])]


def test_complete_details_are_silent() -> None:
    assert found() == []


@pytest.mark.parametrize("name", WARNINGS)
@pytest.mark.parametrize("value", ["", "   ", None, "CHANGE_ME", "change-me", "TODO", "[not set]"])
def test_a_missing_detail_warns_and_names_its_variable(
    settings: Settings, name: str, value: str | None
) -> None:
    setattr(settings, name, value)
    [message] = run_checks(tags=["legal"])
    assert message.id == WARNINGS[name]
    assert name in str(message.hint)
    assert not message.is_serious()


@pytest.mark.parametrize("name", WARNINGS)
def test_an_absent_setting_warns(settings: Settings, name: str) -> None:
    delattr(settings, name)
    assert found() == [WARNINGS[name]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEGAL_OPERATOR_NAME", "Your Company Ltd"),
        ("LEGAL_OPERATOR_NAME", "<your name>"),
        ("LEGAL_OPERATOR_ADDRESS", "Your address\nhere"),
        ("LEGAL_CONTACT_EMAIL", "privacy@example.com"),
        ("LEGAL_CONTACT_EMAIL", "privacy@crm.example"),
        ("LEGAL_CONTACT_EMAIL", "privacy@localhost"),
        ("LEGAL_CONTACT_EMAIL", "not an address"),
    ],
)
def test_sample_values_warn_as_well(settings: Settings, name: str, value: str) -> None:
    setattr(settings, name, value)
    assert found() == [WARNINGS[name]]


@pytest.mark.parametrize("name", ["Todorova & Co", "<b>Bold</b> Books", "Your Corner Shop", "Nona"])
def test_real_names_that_resemble_placeholders_pass(settings: Settings, name: str) -> None:
    settings.LEGAL_OPERATOR_NAME = name
    assert found() == []


@pytest.mark.parametrize("value", ["23.11.2026", "2026-13-01", "soon"])
def test_a_date_that_is_not_iso_is_an_error(settings: Settings, value: str) -> None:
    settings.LEGAL_EFFECTIVE_DATE = value
    [message] = run_checks(tags=["legal"])
    assert isinstance(message, Error)
    assert message.id == "legal.E001"
    assert "LEGAL_EFFECTIVE_DATE" in str(message.hint)
