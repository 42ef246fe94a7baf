"""The Meta app: reached, known by id and secret, and told where to deliver what."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from social_integrations.conf import app_settings
from social_integrations.exceptions import GraphError
from social_integrations.graph import oauth
from social_integrations.graph.client import GraphClient
from social_integrations.graph.reading import read_objects, read_text
from social_integrations.services.clients import (
    FACEBOOK,
    INSTAGRAM,
    app_credentials,
    asked_scopes,
    client_for_app,
    client_for_exchange,
    flavour_of,
    graph_version,
)
from social_integrations.services.connect_problems import OPERATOR, describe_problem
from social_integrations.services.consent import configured_logins
from social_integrations.services.graph_problems import name_exchange_error, name_graph_error

from .probing import Probe, probe
from .public_rows import webhook_url
from .rows import Check, Finding, amber, green, red, skipped

# What Meta says to a made-up code while everything around it is right.
ACCEPTED = frozenset({"code_invalid", "code_expired", "code_used"})
CREDENTIALS = frozenset(
    {"wrong_app_id", "wrong_app_secret", "wrong_login_id", "wrong_login_secret"}
)
UNTOLD = ("meta_unreachable", "meta_busy")
OBJECT, ESSENTIAL_FIELD = "instagram", "messages"
WEBHOOKS = "In the Meta app, under Webhooks > Instagram"
NOT_SET_UP = skipped("Not looked at: Facebook Login is not set up here.")
NOT_TOLD = skipped("Not looked at: Meta did not tell.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What Meta made of a made-up code: our problem's code, and details."""

    problem: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppFacts:
    """What Meta says about the app."""

    trials: Mapping[str, Trial] = field(default_factory=dict)
    """One for each login that is set up."""
    dialogs: Mapping[str, Probe] = field(default_factory=dict)
    webhooks: tuple[dict[str, Any], ...] | None = None
    """The app's webhook subscriptions; None where Meta did not tell."""
    webhooks_refused: str = ""
    """Why Meta refused to tell."""
    skew_seconds: float | None = None
    """How far our clock is ahead of Meta's; negative where it is behind."""


class Clock:
    """Remembers the latest word of Meta's clock."""

    def __init__(self) -> None:
        self.skew_seconds: float | None = None

    def read(self, client: GraphClient) -> None:
        """Compare our clock with an answer that has just come."""
        date: datetime | None = client.date
        if date is not None:
            self.skew_seconds = (timezone.now() - date).total_seconds()


def gather() -> AppFacts:
    """Ask Meta about the app, as the app; changes nothing there."""
    logins, clock = configured_logins(), Clock()
    trials = {login: _try_code(login, clock) for login in logins}
    usable = trials.get(FACEBOOK)
    webhooks, refused = None, ""
    if usable and usable.problem not in (*CREDENTIALS, *UNTOLD):
        webhooks, refused = _webhooks(clock)
    return AppFacts(
        trials=trials,
        dialogs={login: _open_dialog(login) for login in logins if app_settings.REDIRECT_URI},
        webhooks=webhooks,
        webhooks_refused=refused,
        skew_seconds=clock.skew_seconds,
    )


def _try_code(login: str, clock: Clock) -> Trial:
    """Exchange a made-up code: Meta's refusal tells what it thinks of id, secret and address."""
    flavour = flavour_of(login)
    client = client_for_exchange(login, flavour.code)
    try:
        oauth.exchange_code(
            client,
            flavour,
            credentials=app_credentials(login),
            redirect_uri=app_settings.REDIRECT_URI,
            code=f"doctor-{secrets.token_hex(8)}",
        )
    except GraphError as error:
        problem, detail = name_exchange_error(error, login=login)
        return Trial(problem=problem, detail=detail)
    finally:
        clock.read(client)
    return Trial(problem="code_invalid")


def _open_dialog(login: str) -> Probe:
    """Look at the consent page as nobody: Meta has moved it before."""
    url = oauth.authorize_url(
        flavour_of(login),
        version=graph_version(login),
        app_id=app_credentials(login).app_id,
        redirect_uri=app_settings.REDIRECT_URI,
        state=secrets.token_urlsafe(16),
        scopes=asked_scopes(login),
        config_id=app_settings.FACEBOOK_CONFIG_ID if login == FACEBOOK else "",
    )
    return probe(url)


def _webhooks(clock: Clock) -> tuple[tuple[dict[str, Any], ...] | None, str]:
    """Return the app's webhooks, or None and why Meta did not tell.

    Meta: `GET /{app}/subscriptions` with the app's own token.
    """
    client = client_for_app()
    try:
        found = tuple(client.paged(f"{app_settings.APP_ID}/subscriptions"))
    except GraphError as error:
        return None, name_graph_error(error)[1]
    clock.read(client)
    return tuple(row for row in found if row.get("object") == OBJECT), ""


def _reached(facts: AppFacts) -> Finding:
    if not facts.trials:
        return skipped("Not looked at: no login is set up here.")
    for login, trial in facts.trials.items():
        if trial.problem == "meta_unreachable":
            return red(
                f"{flavour_of(login).name.capitalize()}'s servers cannot be reached: "
                f"{trial.detail}.",
                "Let this server make HTTPS connections to Meta's hosts: DNS, firewall, and the "
                "INSTAGRAM_*_URL settings.",
            )
        if trial.problem == "meta_busy":
            return amber("Meta asks us to slow down.", "Wait a few minutes, then check again.")
    return green("Meta's servers answer.")


def _known(facts: AppFacts, login: str) -> Finding:
    trial = facts.trials.get(login)
    if trial is None:
        return NOT_SET_UP if login == FACEBOOK else skipped("Instagram Login is not set up here.")
    if trial.problem in CREDENTIALS:
        words = describe_problem(trial.problem, trial.detail)
        return red(words.sentence, words.next_step.removeprefix(OPERATOR).strip())
    if trial.problem in UNTOLD:
        return NOT_TOLD
    return green("Meta accepts app id and secret.")


def _facebook_known(facts: AppFacts) -> Finding:
    return _known(facts, FACEBOOK)


def _instagram_known(facts: AppFacts) -> Finding:
    return _known(facts, INSTAGRAM)


def _return_address(facts: AppFacts) -> Finding:
    asked = {trial.problem for trial in facts.trials.values()}
    if "redirect_mismatch" in asked:
        words = describe_problem("redirect_mismatch", "")
        return red(words.sentence, words.next_step.removeprefix(OPERATOR).strip())
    for trial in facts.trials.values():
        if trial.problem == "meta_refused":
            return amber(
                f"Meta refused a trial for a reason of its own. {trial.detail}",
                "Connect an account; the result page says more.",
            )
    if not asked & ACCEPTED:
        return NOT_TOLD
    return green("Meta has nothing against the redirect URI; connecting shows whether it is known.")


def _consent_page(facts: AppFacts) -> Finding:
    if not facts.dialogs:
        return skipped("Not looked at: no login is set up here.")
    for login, answer in facts.dialogs.items():
        if answer.trouble or answer.status >= 400:
            what = f"HTTP {answer.status}" if answer.status else "no answer"
            name = "LOGIN" if login == INSTAGRAM else "FACEBOOK"
            return amber(
                f"The consent page of {flavour_of(login).name.capitalize()} gives {what}.",
                "Enter the redirect URI in the Meta app, letter by letter. If it stands there, "
                f"Meta may have moved the page: see INSTAGRAM_{name}_DIALOG_URL and _PATH.",
            )
    return green("The consent page opens.")


def _webhook_set_up(facts: AppFacts) -> Finding:
    if facts.webhooks_refused:
        return amber(
            f"Meta does not show the app's webhooks: {facts.webhooks_refused.rstrip('.')}.",
            f"{WEBHOOKS}: look whether {webhook_url()} and the fields stand there.",
        )
    if facts.webhooks is None:
        return _untold(facts)
    if not facts.webhooks:
        return red(
            "The Meta app has no webhook for Instagram.",
            f"{WEBHOOKS}: enter {webhook_url()} and the verify token, then subscribe the fields.",
        )
    if not any(row.get("active", True) for row in facts.webhooks):
        return red(
            "Meta has switched the app's webhook off.",
            f"{WEBHOOKS}: “Verify and save” once more.",
        )
    return green("The Meta app has a webhook for Instagram.")


def _untold(facts: AppFacts) -> Finding:
    if FACEBOOK not in facts.trials:
        return skipped("Only the Meta app's own id and secret show this; look at its Webhooks.")
    return NOT_TOLD


def _webhook_address(facts: AppFacts) -> Finding:
    if not facts.webhooks:
        return _untold(facts)
    wanted, known = webhook_url(), [read_text(row, "callback_url") for row in facts.webhooks]
    if wanted in known:
        return green("Meta delivers to this server.")
    if wanted.rstrip("/") in [url.rstrip("/") for url in known]:
        return red(
            "The callback URL at Meta lacks the slash at its end.",
            f"{WEBHOOKS}: enter {wanted} with the slash.",
        )
    return red(
        f"Meta delivers to another address: {known[0] or 'none'}.", f"{WEBHOOKS}: enter {wanted}."
    )


def _fields(facts: AppFacts) -> frozenset[str]:
    rows = facts.webhooks or ()
    # Meta: objects with name and version; older answers had plain names.
    named = {read_text(entry, "name") for row in rows for entry in read_objects(row, "fields")}
    plain = {name for row in rows for name in row.get("fields") or () if isinstance(name, str)}
    return frozenset(named | plain)


def _messages_field(facts: AppFacts) -> Finding:
    if not facts.webhooks:
        return _untold(facts)
    if ESSENTIAL_FIELD in _fields(facts):
        return green("The field messages is subscribed.")
    return red(
        "The app does not subscribe to the field messages: no message is delivered.",
        f"{WEBHOOKS}: subscribe to messages.",
    )


def _other_fields(facts: AppFacts) -> Finding:
    if not facts.webhooks:
        return _untold(facts)
    known = _fields(facts)
    missing = [name for name in app_settings.LOGIN_SUBSCRIBED_FIELDS if name not in known]
    if not missing:
        return green("Every wanted field is subscribed.")
    return amber(
        f"Fields that are not subscribed: {', '.join(missing)}.",
        f"{WEBHOOKS}: subscribe to them, spelled exactly so.",
    )


CHECKS: tuple[Check[AppFacts], ...] = (
    Check("meta_reachable", "Meta reachable", _reached),
    Check("app_credentials", "App id and secret accepted", _facebook_known),
    Check("login_credentials", "Instagram app accepted", _instagram_known),
    Check("redirect_accepted", "Redirect URI at Meta", _return_address),
    Check("consent_page", "Consent page", _consent_page),
    Check("webhook_set_up", "Webhook at Meta", _webhook_set_up),
    Check("webhook_address", "Callback URL at Meta", _webhook_address),
    Check("messages_field", "Field messages", _messages_field),
    Check("webhook_fields", "Other webhook fields", _other_fields),
)
