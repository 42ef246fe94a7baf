"""Settings and secrets: Django's system checks of this app, as rows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.apps import apps
from django.core.checks import ERROR, CheckMessage, Tags, run_checks

from social_integrations.conf import app_settings

from .probing import is_this_computer
from .rows import Check, Finding, amber, green, red, skipped

OURS, LEGAL = "social_integrations.", "legal."
NO_LEGAL_PAGES = skipped(
    "This project has no legal pages of ours; Meta needs the address of yours."
)
# Warnings of the system checks without which nobody can connect an account.
RED_ANYWAY = frozenset({"W001", "W006"})
NAMED: dict[str, tuple[str, str, frozenset[str]]] = {
    "app_secret": (
        "App secret",
        "INSTAGRAM_APP_SECRET is set.",
        frozenset({"E001", "E002"}),
    ),
    "app_id": ("App id", "INSTAGRAM_APP_ID is set.", frozenset({"W006"})),
    "instagram_login": (
        "Instagram Login",
        "Its id and secret are both set, or both empty.",
        frozenset({"E010", "E011", "E012"}),
    ),
    "verify_token": (
        "Verify token",
        "INSTAGRAM_WEBHOOK_VERIFY_TOKEN is set and cannot be guessed.",
        frozenset({"E003", "E004", "E005", "E009"}),
    ),
    "encryption_keys": (
        "Encryption keys",
        "INSTAGRAM_TOKEN_ENCRYPTION_KEYS are Fernet keys.",
        frozenset({"E006", "E007"}),
    ),
    "redirect_setting": (
        "Redirect URI set",
        "INSTAGRAM_REDIRECT_URI is set.",
        frozenset({"W001", "W002", "E008"}),
    ),
    "meta_hosts": (
        "Meta's hosts",
        "Calls go to Meta's own hosts.",
        frozenset({"W003"}),
    ),
}
SORTED_OUT = frozenset().union(*(ids for _title, _good, ids in NAMED.values()))


# Right where everything, the emulator included, runs on one computer.
RIGHT_HERE = frozenset({"W002", "W003", "W007", "legal.W003"})


@dataclass(frozen=True, slots=True)
class SettingsFacts:
    """What the system checks said, by the end of their id."""

    messages: tuple[tuple[str, CheckMessage], ...]
    is_local: bool = False
    """Whether the public address is this computer's."""
    has_legal_pages: bool = True
    """Whether the project has the app `legal`."""


def gather() -> SettingsFacts:
    """Run the system checks of this app and of the legal pages, deployment included."""
    found = run_checks(tags=[Tags.security, "legal"], include_deployment_checks=True)
    wanted = [message for message in found if not message.is_silenced()]
    return SettingsFacts(
        tuple(
            (str(message.id).removeprefix(OURS), message)
            for message in wanted
            if str(message.id).startswith((OURS, LEGAL))
        ),
        is_local=is_this_computer(app_settings.PUBLIC_ORIGIN),
        has_legal_pages=apps.is_installed("legal"),
    )


def _named(facts: SettingsFacts, *, ids: frozenset[str], good: str) -> Finding:
    return _worst(facts, lambda code: code in ids, good)


def _others(facts: SettingsFacts) -> Finding:
    return _worst(
        facts,
        lambda code: code not in SORTED_OUT and not code.startswith(LEGAL),
        "Nothing else in the settings stands out.",
    )


def _legal_details(facts: SettingsFacts) -> Finding:
    if not facts.has_legal_pages:
        return NO_LEGAL_PAGES
    return _worst(
        facts,
        lambda code: code.startswith(LEGAL),
        "The legal pages name who runs this installation.",
    )


def _worst(facts: SettingsFacts, wanted: Callable[[str], bool], good: str) -> Finding:
    """Return the first of the worst messages; of those that are right here, only if alone."""
    found = [(code, message) for code, message in facts.messages if wanted(code)]
    wrong = [pair for pair in found if not (facts.is_local and pair[0] in RIGHT_HERE)]
    if not wrong:
        return skipped(f"Right on this computer only: {found[0][1].msg}") if found else green(good)
    code, message = max(wrong, key=lambda pair: pair[1].level)
    colour = red if message.level >= ERROR or code in RED_ANYWAY else amber
    return colour(str(message.msg), str(message.hint or "See docs/settings.md."))


CHECKS: tuple[Check[SettingsFacts], ...] = (
    *(
        Check(code, title, partial(_named, ids=ids, good=good))
        for code, (title, good, ids) in NAMED.items()
    ),
    Check("other_settings", "Other settings", _others),
    Check("legal_details", "Operator named", _legal_details),
)
