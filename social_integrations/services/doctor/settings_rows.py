"""Settings and secrets: Django's system checks of this app, as rows."""

from dataclasses import dataclass
from functools import partial

from django.core.checks import ERROR, CheckMessage, Tags, run_checks

from .rows import Check, Finding, amber, green, red

OURS, LEGAL = "social_integrations.", "legal."
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


@dataclass(frozen=True, slots=True)
class SettingsFacts:
    """What the system checks said, by the end of their id."""

    messages: tuple[tuple[str, CheckMessage], ...]


def gather() -> SettingsFacts:
    """Run the system checks of this app and of the legal pages, deployment included."""
    found = run_checks(tags=[Tags.security, "legal"], include_deployment_checks=True)
    wanted = [message for message in found if not message.is_silenced()]
    return SettingsFacts(
        tuple(
            (str(message.id).removeprefix(OURS), message)
            for message in wanted
            if str(message.id).startswith((OURS, LEGAL))
        )
    )


def _named(facts: SettingsFacts, *, ids: frozenset[str], good: str) -> Finding:
    return _worst([pair for pair in facts.messages if pair[0] in ids], good)


def _others(facts: SettingsFacts) -> Finding:
    rest = [
        pair
        for pair in facts.messages
        if pair[0] not in SORTED_OUT and not pair[0].startswith(LEGAL)
    ]
    return _worst(rest, "Nothing else in the settings stands out.")


def legal_details(facts: SettingsFacts) -> Finding:
    """Judge whether the legal pages name their operator."""
    return _worst(
        [pair for pair in facts.messages if pair[0].startswith(LEGAL)],
        "The legal pages name who runs this installation.",
    )


def _worst(pairs: list[tuple[str, CheckMessage]], good: str) -> Finding:
    if not pairs:
        return green(good)
    code, message = max(pairs, key=lambda pair: pair[1].level)
    colour = red if message.level >= ERROR or code in RED_ANYWAY else amber
    return colour(str(message.msg), str(message.hint or "See docs/settings.md."))


CHECKS: tuple[Check[SettingsFacts], ...] = (
    *(
        Check(code, title, partial(_named, ids=ids, good=good))
        for code, (title, good, ids) in NAMED.items()
    ),
    Check("other_settings", "Other settings", _others),
    Check("legal_details", "Operator named", legal_details),
)
