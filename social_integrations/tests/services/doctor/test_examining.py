"""A healthy installation is all green; each planted fault is found, and named first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import requests
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.db.migrations.recorder import MigrationRecorder
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import Settings
from urllib3.exceptions import MaxRetryError, NameResolutionError

from social_integrations.models import ConnectedAccount, Heartbeat
from social_integrations.services.budget import CONVERSATIONS, pause, take_turn
from social_integrations.services.disconnecting import disconnect
from social_integrations.services.doctor import examining
from social_integrations.services.doctor.rows import Level, Report
from social_integrations.services.refusals import refuse
from social_integrations.services.states import Event
from social_integrations.tests.factories import (
    make_contact,
    make_conversation,
    make_event,
    make_job,
    make_message,
)
from social_integrations.tests.services.doctor.world import (
    DIALOG,
    DOOR,
    EXCHANGE,
    FIELDS,
    HOST,
    INSPECT,
    LINK,
    LOGIN_DIALOG,
    LOGIN_EXCHANGE,
    LOGIN_TOKEN,
    ME,
    PAGE,
    PAGE_TOKEN,
    PAGES,
    SCOPES,
    SUBSCRIBED,
    THREADS,
    WEBHOOKS,
    World,
    healthy_world,
    inspected,
    linked,
    refusal,
    webhooks,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("instagram_app")]

REDIRECT = f"{HOST}/api/social/instagram/oauth/callback/"
Plant = Callable[[World, Settings], Any]


@pytest.fixture(autouse=True)
def fresh_counters() -> None:
    cache.clear()


@pytest.fixture
def world(settings: Settings) -> World:
    settings.INSTAGRAM_LOGIN_APP_SECRET = "login-app-secret-0123456789abcdef"
    return healthy_world()


def change(world: World, **values: Any) -> None:
    ConnectedAccount.objects.filter(pk=world.account.pk).update(**values)


def setting(**values: Any) -> Plant:
    def plant(_world: World, settings: Settings) -> None:
        for name, value in values.items():
            setattr(settings, f"INSTAGRAM_{name}", value)

    return plant


def answer(url: str, body: Any, method: str = "GET") -> Plant:
    return lambda world, _settings: world.put(url, body, method)


def account(**values: Any) -> Plant:
    return lambda world, _settings: change(world, **values)


def in_days(days: int) -> Any:
    return timezone.now() + timedelta(days=days)


def unknown_host() -> requests.ConnectionError:
    cause = NameResolutionError("testserver", None, OSError("unknown"))  # type: ignore[arg-type]
    return requests.ConnectionError(MaxRetryError(None, "/", cause))  # type: ignore[arg-type]


def lost_key(_world: World, settings: Settings) -> None:
    settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]


def unapplied_migration(_world: World, _settings: Settings) -> None:
    applied = MigrationRecorder.Migration.objects.filter(app="social_integrations")
    applied.order_by("-name")[0].delete()


def old_heartbeat(_world: World, _settings: Settings) -> None:
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=5))


def never_a_worker(_world: World, _settings: Settings) -> None:
    Heartbeat.objects.all().delete()


def refused(reason: str) -> Plant:
    def plant(_world: World, _settings: Settings) -> None:
        for _ in range(20):
            refuse(RequestFactory().post("/"), reason)

    return plant


def ledger(status: str, minutes: int = 0, **values: Any) -> Plant:
    return lambda _world, _settings: make_event(
        status=status, received_at=timezone.now() - timedelta(minutes=minutes), **values
    )


def outgoing(status: str, minutes: int = 0, **values: Any) -> Plant:
    def plant(world: World, _settings: Settings) -> None:
        contact = make_contact(account=world.account)
        make_message(
            conversation=make_conversation(contact=contact),
            direction="outbound",
            source="crm",
            status=status,
            sent_at=timezone.now() - timedelta(minutes=minutes),
            **values,
        )

    return plant


def both(first: Plant, second: Plant) -> Plant:
    def plant(world: World, settings: Settings) -> None:
        first(world, settings)
        second(world, settings)

    return plant


def development_mode(_world: World, _settings: Settings) -> None:
    ConnectedAccount.objects.update(last_event_at=None)
    make_event(status="test")


def no_accounts(_world: World, _settings: Settings) -> None:
    ConnectedAccount.objects.all().delete()


def other_clock(**ahead: int) -> Plant:
    def plant(world: World, _settings: Settings) -> None:
        world.clock_ahead = timedelta(**ahead)

    return plant


def public_page(status: int, **more: Any) -> Callable[..., Any]:
    headers = {"Content-Type": "text/plain", **more}
    return lambda _request: (status, headers, b"")


def changed_challenge(kind: str, before: str = "") -> Callable[..., Any]:
    def reply(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        challenge = (request.url or "").partition("hub.challenge=")[2].partition("&")[0]
        return 200, {"Content-Type": kind}, f"{before}{challenge}{before}"

    return reply


@dataclass(frozen=True)
class Fault:
    """What is planted, which row names it first, in which colour, and a word of its sentence."""

    plant: Plant
    code: str
    level: str
    word: str


RED, AMBER = "red", "amber"
FAULTS: dict[str, Fault] = {
    # --- settings and secrets ---
    "no app secret": Fault(setting(APP_SECRET=[]), "app_secret", RED, "INSTAGRAM_APP_SECRET"),
    "placeholder secret": Fault(setting(APP_SECRET=["changeme"]), "app_secret", RED, "placeholder"),
    "placeholder app id": Fault(setting(APP_ID="your-app-id"), "app_id", RED, "INSTAGRAM_APP_ID"),
    "half of Instagram Login": Fault(
        setting(LOGIN_APP_SECRET=""), "instagram_login", RED, "INSTAGRAM_LOGIN_APP_SECRET"
    ),
    "no verify token": Fault(
        setting(WEBHOOK_VERIFY_TOKEN=[]), "verify_token", RED, "cannot verify"
    ),
    "guessable verify token": Fault(
        setting(WEBHOOK_VERIFY_TOKEN=["short-token-1"]), "verify_token", RED, "short"
    ),
    "no encryption key": Fault(
        setting(TOKEN_ENCRYPTION_KEYS=[]), "encryption_keys", RED, "is missing"
    ),
    "broken encryption key": Fault(
        setting(TOKEN_ENCRYPTION_KEYS=["abc"]), "encryption_keys", RED, "not a Fernet key"
    ),
    "no redirect URI": Fault(setting(REDIRECT_URI=""), "redirect_setting", RED, "missing"),
    "redirect URI without TLS": Fault(
        setting(REDIRECT_URI=REDIRECT.replace("https", "http")), "redirect_setting", RED, "HTTPS"
    ),
    "another host than Meta's": Fault(
        setting(FACEBOOK_DIALOG_URL="https://other.example"), "meta_hosts", AMBER, "other.example"
    ),
    "odd return address": Fault(
        setting(CONNECT_RETURN_URLS=["nowhere"]), "other_settings", RED, "plain web address"
    ),
    "no operator": Fault(
        lambda _w, settings: setattr(settings, "LEGAL_OPERATOR_NAME", ""),
        "legal_details",
        AMBER,
        "operator name",
    ),
    "unapplied migration": Fault(unapplied_migration, "database", RED, "lacks migrations: 0"),
    # --- the public address ---
    "public URL without TLS": Fault(
        setting(PUBLIC_URL="http://crm.operator.org"), "https", RED, "not HTTPS"
    ),
    "redirect URI without slash": Fault(
        setting(REDIRECT_URI=REDIRECT.rstrip("/")), "redirect_uri", RED, "slash"
    ),
    "redirect URI elsewhere": Fault(
        setting(REDIRECT_URI=f"{HOST}/callback/"), "redirect_uri", RED, "does not lead"
    ),
    "unknown host": Fault(answer(DOOR, unknown_host()), "reachable", RED, "DNS"),
    "closed port": Fault(
        answer(DOOR, requests.ConnectionError("refused")), "reachable", RED, "does not accept"
    ),
    "slow server": Fault(answer(DOOR, requests.ReadTimeout()), "reachable", RED, "five seconds"),
    "bad certificate": Fault(
        answer(DOOR, requests.exceptions.SSLError("x")), "certificate", RED, "certificate"
    ),
    "redirect to itself": Fault(
        answer(DOOR, public_page(301, Location=DOOR)), "no_redirect", RED, "itself"
    ),
    "redirect to another host": Fault(
        answer(DOOR, public_page(302, Location="https://www.testserver/x")),
        "no_redirect",
        RED,
        "www.testserver",
    ),
    "host not allowed": Fault(answer(DOOR, public_page(400)), "handshake", RED, "400"),
    "another verify token out there": Fault(
        answer(DOOR, public_page(403)), "handshake", RED, "verify token"
    ),
    "another site out there": Fault(answer(DOOR, public_page(404)), "handshake", RED, "no webhook"),
    "broken server": Fault(answer(DOOR, public_page(502)), "handshake", RED, "502"),
    "challenge in quotes": Fault(
        answer(DOOR, changed_challenge("text/plain", '"')), "plain_text", RED, "bare"
    ),
    "challenge as JSON": Fault(
        answer(DOOR, changed_challenge("application/json")), "plain_text", RED, "text/plain"
    ),
    "another secret out there": Fault(
        answer(DOOR, public_page(403), "POST"), "signed_delivery", RED, "signed"
    ),
    "proxy refuses POST": Fault(
        answer(DOOR, public_page(405), "POST"), "signed_delivery", RED, "405"
    ),
    "no privacy policy": Fault(answer(PAGES[0], (404, "")), "legal_pages", RED, PAGES[0]),
    # --- the Meta app ---
    "Meta cannot be reached": Fault(answer(EXCHANGE, unknown_host()), "meta_reachable", RED, "DNS"),
    "Meta's certificate": Fault(
        answer(EXCHANGE, requests.exceptions.SSLError("x")), "meta_reachable", RED, "TLS"
    ),
    "wrong app id": Fault(answer(EXCHANGE, "error_app_id"), "app_credentials", RED, "app id"),
    "wrong app secret": Fault(
        answer(EXCHANGE, "error_secret"), "app_credentials", RED, "app secret"
    ),
    "wrong Instagram secret": Fault(
        answer(LOGIN_EXCHANGE, "error_login_secret", "POST"),
        "login_credentials",
        RED,
        "Instagram app secret",
    ),
    "redirect URI unknown to Meta": Fault(
        answer(EXCHANGE, "error_redirect"), "redirect_accepted", RED, "return address"
    ),
    "consent page moved": Fault(answer(DIALOG, (404, "")), "consent_page", AMBER, "Facebook"),
    "Instagram's consent page moved": Fault(
        answer(LOGIN_DIALOG, (500, "")), "consent_page", AMBER, "Instagram"
    ),
    "no webhook at Meta": Fault(
        answer(WEBHOOKS, {"data": []}), "webhook_set_up", RED, "no webhook"
    ),
    "webhook switched off": Fault(
        answer(WEBHOOKS, webhooks(active=False)), "webhook_set_up", RED, "switched"
    ),
    "webhooks not shown": Fault(
        answer(WEBHOOKS, refusal(10)), "webhook_set_up", AMBER, "does not show"
    ),
    "callback URL without slash": Fault(
        answer(WEBHOOKS, webhooks(url=DOOR.rstrip("/"))), "webhook_address", RED, "slash"
    ),
    "callback URL elsewhere": Fault(
        answer(WEBHOOKS, webhooks(url="https://old.example/webhook/")),
        "webhook_address",
        RED,
        "old.example",
    ),
    "field messages missing": Fault(
        answer(WEBHOOKS, webhooks(fields=FIELDS[1:])), "messages_field", RED, "messages"
    ),
    "plural field names": Fault(
        answer(WEBHOOKS, webhooks(fields=("messages", "messaging_handovers"))),
        "webhook_fields",
        AMBER,
        "messaging_handover",
    ),
    # --- accounts ---
    "login no longer set up": Fault(
        setting(APP_ID=""), "account_state", RED, "INSTAGRAM_APP_ID is not set"
    ),
    "no account": Fault(no_accounts, "accounts", AMBER, "No account"),
    "lost key": Fault(lost_key, "account_state", RED, "INSTAGRAM_TOKEN_ENCRYPTION_KEYS"),
    "needs to be connected again": Fault(
        account(status="reauth_required"), "account_state", RED, "no longer accepts"
    ),
    "password changed": Fault(
        answer(INSPECT, inspected(is_valid=False, error={"code": 190, "subcode": 460})),
        "account_state",
        RED,
        "password",
    ),
    "app removed": Fault(
        answer(INSPECT, inspected(is_valid=False, error={"code": 190, "subcode": 458})),
        "account_state",
        AMBER,
        "removed",
    ),
    "role lost": Fault(answer(LINK, refusal(190, 492)), "account_state", RED, "role"),
    "token of another app": Fault(
        answer(INSPECT, inspected(app_id="700000000000999")), "token", RED, "another Meta app"
    ),
    "token expired": Fault(account(token_expires_at=in_days(-1)), "expiry", RED, "has expired"),
    "token expires soon": Fault(account(token_expires_at=in_days(3)), "expiry", AMBER, "expires"),
    "data access ends": Fault(
        account(data_access_expires_at=in_days(3)), "data_access", AMBER, "90 days"
    ),
    "messages not granted": Fault(
        answer(INSPECT, inspected(scopes=["instagram_basic"])),
        "scopes",
        RED,
        "instagram_manage_messages",
    ),
    "subscribing not granted": Fault(
        answer(INSPECT, inspected(scopes=[s for s in SCOPES if s != "pages_manage_metadata"])),
        "scopes",
        AMBER,
        "pages_manage_metadata",
    ),
    "left out": Fault(account(access_withdrawn_at=in_days(-1)), "withdrawn", AMBER, "left out"),
    "Page not linked": Fault(answer(LINK, {"id": PAGE}), "page_link", RED, "no Instagram account"),
    "Page linked to another": Fault(
        answer(LINK, linked("17841455501230777")), "page_link", RED, "17841455501230777"
    ),
    "personal account": Fault(
        lambda world, _s: world.answers["GET", ME].update(account_type="Personal"),
        "page_link",
        RED,
        "personal",
    ),
    "app-scoped id stored": Fault(
        lambda world, _s: world.answers["GET", ME].update(user_id="17841455501230555"),
        "page_link",
        RED,
        "another Instagram account",
    ),
    "no task on the Page": Fault(answer(THREADS, refusal(10)), "page_task", RED, "messages"),
    "capability missing": Fault(answer(THREADS, refusal(3)), "page_task", AMBER, "Advanced Access"),
    "message access off": Fault(
        answer(THREADS, refusal(200, 2534041)), "message_access", RED, "switched message access"
    ),
    "not subscribed": Fault(
        answer(SUBSCRIBED, {"data": [{"id": "700000000000999"}]}),
        "subscription",
        RED,
        "does not deliver",
    ),
    "subscription not recorded": Fault(
        account(webhook_subscribed_at=None), "subscription", AMBER, "has not been told"
    ),
    # --- at work ---
    "development mode": Fault(development_mode, "live_mode", AMBER, "development mode"),
    "clock ahead": Fault(other_clock(minutes=10), "clock", RED, "ahead of"),
    "clock behind": Fault(other_clock(seconds=-60), "clock", AMBER, "behind"),
    "worker dead": Fault(old_heartbeat, "worker", RED, "5 minutes"),
    "never a worker": Fault(never_a_worker, "worker", RED, "No worker has run yet"),
    "nothing ever arrived": Fault(
        account(last_event_at=None), "last_event", AMBER, "Nothing has ever arrived"
    ),
    "quiet": Fault(account(last_event_at=in_days(-20)), "last_event", AMBER, "20 days"),
    "backlog": Fault(ledger("received", minutes=20), "backlog", RED, "wait to be applied"),
    "failed items": Fault(ledger("failed"), "failures", AMBER, "could not be applied"),
    "unknown account": Fault(ledger("orphaned"), "orphans", AMBER, "not connected here"),
    "refused signatures": Fault(refused("signature"), "refused_signatures", AMBER, "signature: 20"),
    "refused handshakes": Fault(refused("handshake"), "refused_handshakes", AMBER, "20"),
    "dead job": Fault(lambda _w, _s: make_job(state="dead"), "dead_jobs", AMBER, "given up: 1"),
    "late job": Fault(
        lambda _w, _s: make_job(due_at=timezone.now() - timedelta(hours=1)),
        "late_jobs",
        AMBER,
        "60 minutes",
    ),
    # --- answers ---
    "answer waits": Fault(outgoing("queued", minutes=10), "answers_waiting", AMBER, "10 minutes"),
    "answer waits long": Fault(
        outgoing("queued", minutes=40), "answers_waiting", RED, "40 minutes"
    ),
    "outcome unknown": Fault(outgoing("unknown"), "answers_unknown", AMBER, "arrived: 1"),
    "no Human Agent": Fault(
        both(setting(HUMAN_AGENT=True), outgoing("failed", tag="HUMAN_AGENT")),
        "human_agent",
        AMBER,
        "refuses every answer",
    ),
}


def test_a_healthy_installation_is_all_green(world: World) -> None:
    report = world.examine()
    assert [row for row in report.rows if row.level != Level.GREEN] == []
    assert (report.level, report.first, report.exit_code) == (Level.GREEN, None, 0)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_named_first(world: World, settings: Settings, name: str) -> None:
    fault = FAULTS[name]
    fault.plant(world, settings)
    report = world.examine()
    first = report.first
    assert first is not None
    assert (first.code, first.level) == (fault.code, fault.level)
    assert fault.word in first.sentence
    assert first.next_step
    assert report.exit_code == {"amber": 1, "red": 2}[report.level]
    assert_tells_no_secret(report, settings)


def assert_tells_no_secret(report: Report, settings: Settings) -> None:
    told = str(report.as_json())
    for secret in (
        PAGE_TOKEN,
        LOGIN_TOKEN,
        *settings.INSTAGRAM_APP_SECRET,
        *settings.INSTAGRAM_WEBHOOK_VERIFY_TOKEN,
        *settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS,
        "login-app-secret-0123456789abcdef",
    ):
        assert secret not in told


def test_at_least_25_faults_are_planted() -> None:
    assert len(FAULTS) >= 25


def test_an_account_somebody_disconnected_is_no_fault(world: World) -> None:
    disconnect(account=world.account, reason=Event.DISCONNECTED)
    report = world.examine()
    assert report.level == Level.GREEN
    rows = [row for row in report.rows if row.account_id == world.account.pk]
    assert {row.level for row in rows} == {Level.GREY}


def test_instagram_login_alone_is_enough(world: World, settings: Settings) -> None:
    settings.INSTAGRAM_APP_ID, settings.INSTAGRAM_APP_SECRET = "", []
    world.account.delete()
    report = world.examine()
    assert report.level == Level.GREEN
    grey = {row.code for row in report.rows if row.level == Level.GREY}
    assert {"app_credentials", "webhook_set_up", "webhook_fields"} <= grey


def test_on_this_computer_the_emulator_is_right(world: World, settings: Settings) -> None:
    settings.INSTAGRAM_REDIRECT_URI = REDIRECT.replace(HOST, "http://127.0.0.1:8000")
    settings.INSTAGRAM_MEDIA_HOSTS = ["127.0.0.1:9009"]
    levels = {row.code: row.level for row in world.examine().rows}
    assert [levels[code] for code in ("redirect_setting", "other_settings", "https")] == [
        "grey"
    ] * 3


def test_over_plain_http_no_secret_is_sent(world: World, settings: Settings) -> None:
    settings.INSTAGRAM_REDIRECT_URI = REDIRECT.replace("https", "http")
    world.put(DOOR.replace("https", "http"), public_page(200))
    world.examine()
    assert not [url for _method, url in world.asked if url.startswith("http://")]


def test_each_question_is_asked_once(world: World) -> None:
    world.examine()
    assert sorted(world.asked) == sorted(world.answers)


def test_a_dead_token_ends_the_questions(world: World) -> None:
    world.put(INSPECT, inspected(is_valid=False, error={"code": 190}))
    change(world, last_event_at=None)
    rows = [row for row in world.examine().rows if row.account_id == world.account.pk]
    assert [row.level for row in rows] == [Level.RED] + [Level.GREY] * (len(rows) - 1)
    assert ("GET", INSPECT) in world.asked
    assert not [url for _method, url in world.asked if url.startswith(LINK)]
    world.account.refresh_from_db()
    assert world.account.status == "reauth_required"


def test_a_missing_permission_is_told_and_changes_nothing(world: World) -> None:
    world.put(THREADS, refusal(10))
    world.examine()
    world.account.refresh_from_db()
    assert world.account.status == "connected"


def test_the_budget_of_conversations_is_kept(world: World) -> None:
    take_turn(account_id=world.account.pk, family=CONVERSATIONS)
    pause(account_id=world.account.pk, family=CONVERSATIONS, seconds=300)
    report = world.examine()
    [row] = [r for r in report.rows if (r.code, r.account_id) == ("page_task", world.account.pk)]
    assert row.level == Level.GREY
    assert ("GET", THREADS) not in world.asked


def test_where_meta_is_silent_nobody_asks_on(world: World) -> None:
    world.put(INSPECT, requests.ReadTimeout())
    report = world.examine()
    asked = [url for _method, url in world.asked]
    assert not {LINK, SUBSCRIBED, THREADS} & set(asked)
    assert report.first is not None
    assert report.first.code == "token"


def test_accounts_share_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "ACCOUNTS_SECONDS", 0.0)
    rows = [row for row in world.examine().rows if row.code == "account_state"]
    assert [row.level for row in rows] == [Level.GREY, Level.GREY]
    assert not [url for _method, url in world.asked if "conversations" in url]


def test_a_short_pause_is_waited_for(world: World) -> None:
    answers = iter([(429, {"Retry-After": "0.1"}, ""), (200, {}, '{"data": []}')])
    world.put(THREADS, lambda _request: next(answers))
    assert world.examine().level == Level.GREEN


def test_answers_that_wait_for_an_account_are_no_fault_of_the_worker(
    world: World, settings: Settings
) -> None:
    outgoing("queued", minutes=90)(world, settings)
    ConnectedAccount.objects.update(status="reauth_required")
    rows = {row.code: row for row in world.examine().rows}
    assert rows["answers_waiting"].level == Level.GREEN
    assert "connected again: 1." in rows["answers_waiting"].sentence


def test_a_tagged_answer_that_went_out_proves_the_feature(world: World, settings: Settings) -> None:
    settings.INSTAGRAM_HUMAN_AGENT = True
    outgoing("failed", tag="HUMAN_AGENT")(world, settings)
    outgoing("sent", tag="HUMAN_AGENT")(world, settings)
    rows = {row.code: row for row in world.examine().rows}
    assert rows["human_agent"].level == Level.GREEN
