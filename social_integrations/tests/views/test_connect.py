"""The pages around connecting: who may start, what comes back, and that nothing leaks."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client
from django.urls import resolve, reverse
from pytest_django import Settings

from social_integrations.graph import transport
from social_integrations.models import ConnectedAccount, OAuthAttempt
from social_integrations.services.connect_problems import PROBLEMS
from social_integrations.services.page_problems import PAGE_PROBLEMS
from social_integrations.tests.graph.answers import SECRETS, TOKEN_PATH, FakeMeta, fake_meta, sent

pytestmark = pytest.mark.django_db
START = "social_integrations:oauth-start"
OPEN = "social_integrations:oauth-open"
CALLBACK = "social_integrations:oauth-callback"
RESULT = "social_integrations:oauth-result"
CODE = "the-code-of-meta"


@pytest.fixture
def meta(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMeta]:
    monkeypatch.setattr(transport, "RETRY_PAUSES", ())
    with fake_meta() as fake:
        yield fake


def may_connect(username: str) -> User:
    user = User.objects.create_user(username)
    user.user_permissions.add(Permission.objects.get(codename="add_connectedaccount"))
    return user


@pytest.fixture
def owner(client: Client) -> User:
    user = may_connect("owner")
    client.force_login(user)
    return user


def get(client: Client, name: str, query: dict[str, Any] | None = None) -> HttpResponse:
    response = client.get(reverse(name), query or {})
    assert isinstance(response, HttpResponse)
    return response


def start(client: Client) -> str:
    """Start connecting; return the state Meta was given."""
    return parse_qs(urlsplit(get(client, START)["Location"]).query)["state"][0]


def come_back(client: Client, **answer: str) -> HttpResponse:
    """Start connecting and come back from Meta with this answer."""
    return get(client, CALLBACK, {"state": start(client), **answer})


def says(response: HttpResponse, code: str) -> None:
    """Assert that the page tells this problem, with its status, and may not be kept."""
    problem = PROBLEMS[code]
    html = response.content.decode()
    assert response.status_code == problem.status
    assert problem.title in html.replace("&#x27;", "'")
    assert problem.next_step in html.replace("&#x27;", "'").replace("&gt;", ">")
    is_private(response)


def is_private(response: HttpResponse) -> None:
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer"


# --- start ---


def test_start_leads_to_metas_dialog(client: Client, owner: User) -> None:
    response = get(client, START)
    assert response.status_code == 302
    is_private(response)
    url = urlsplit(response["Location"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://www.facebook.com/v26.0/dialog/oauth"
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert query.pop("state")
    assert query == {
        "client_id": "700000000000001",
        "redirect_uri": "https://testserver/api/social/instagram/oauth/callback/",
        "scope": "instagram_basic,instagram_manage_messages,pages_show_list,"
        "pages_read_engagement,pages_manage_metadata,business_management",
        "response_type": "code",
    }
    assert OAuthAttempt.objects.get().user == owner


def test_the_return_address_does_not_come_from_the_host_header(
    client: Client, owner: User, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    response = client.get(reverse(START), headers={"host": "evil.example"})
    assert "evil" not in response["Location"]


def test_start_needs_a_signed_in_person(client: Client) -> None:
    response = get(client, START)
    assert response.status_code == 302
    assert response["Location"] == f"/login/?next={reverse(START)}"
    assert not OAuthAttempt.objects.exists()


def test_start_needs_the_permission(client: Client) -> None:
    client.force_login(User.objects.create_user("guest"))
    says(get(client, START), "not_allowed")
    assert not OAuthAttempt.objects.exists()


@pytest.mark.parametrize(
    "name",
    [
        "INSTAGRAM_APP_ID",
        "INSTAGRAM_APP_SECRET",
        "INSTAGRAM_REDIRECT_URI",
        "INSTAGRAM_TOKEN_ENCRYPTION_KEYS",
    ],
)
def test_start_names_the_missing_setting(
    client: Client, owner: User, settings: Settings, name: str
) -> None:
    setattr(settings, name, "")
    response = get(client, START)
    says(response, "not_configured")
    assert name in response.content.decode()


@pytest.mark.parametrize(
    ("redirect_host", "host", "location"),
    [
        ("127.0.0.1:8000", "localhost:8000", "http://127.0.0.1:8000"),
        ("localhost:8000", "127.0.0.1:8000", "http://localhost:8000"),
        ("127.0.0.1:8000", "127.0.0.1:8000", ""),
        ("crm.operator.org", "localhost:8000", ""),
        ("127.0.0.1:8000", "testserver", ""),
    ],
)
def test_a_browser_starts_where_the_callback_finds_its_session(
    client: Client, settings: Settings, redirect_host: str, host: str, location: str
) -> None:
    settings.INSTAGRAM_REDIRECT_URI = f"http://{redirect_host}/api/social/instagram/oauth/callback/"
    settings.ALLOWED_HOSTS = ["*"]
    response = client.get(reverse(START), {"login": "facebook"}, headers={"host": host})
    expected = f"{location}{reverse(START)}?login=facebook" if location else "/login/?next="
    assert response["Location"].startswith(expected)


@pytest.mark.parametrize("name", [START, OPEN, CALLBACK, RESULT])
@pytest.mark.parametrize("method", ["post", "put", "delete", "head"])
def test_only_get(client: Client, owner: User, name: str, method: str) -> None:
    # POST to the start is the frontend's door, which knows no session.
    status = 401 if (name, method) == (START, "post") else 405
    response = getattr(client, method)(reverse(name))
    assert response.status_code == status
    if status == 405:
        assert response["Allow"] == ("GET, POST" if name == START else "GET")


# --- callback: the state ---


def test_success_redirects_to_a_page_that_survives_reloading(
    client: Client, owner: User, meta: FakeMeta
) -> None:
    meta.good_day()
    response = come_back(client, code=f"{CODE}#_")
    assert response.status_code == 302
    assert response["Location"] == reverse(RESULT)
    is_private(response)
    assert sent(meta.calls(TOKEN_PATH)[0])["code"] == CODE
    for _ in range(2):
        page = get(client, RESULT)
        assert page.status_code == 200
        is_private(page)
        assert "@harbour.books" in page.content.decode()
        assert "New messages arrive here" in page.content.decode()


@pytest.mark.parametrize("state", [{}, {"state": ""}, {"state": "forged"}])
def test_a_forged_state_ends_everything(
    client: Client, owner: User, meta: FakeMeta, state: dict[str, str]
) -> None:
    start(client)
    says(get(client, CALLBACK, {"code": CODE, **state}), "state_unknown")
    assert not meta.calls()


def test_the_state_is_checked_before_the_error(client: Client, owner: User) -> None:
    says(get(client, CALLBACK, {"error": "access_denied", "state": "forged"}), "state_unknown")


def test_a_second_use_is_refused(client: Client, owner: User, meta: FakeMeta) -> None:
    meta.good_day()
    state = start(client)
    get(client, CALLBACK, {"state": state, "code": CODE})
    calls = len(meta.calls())
    says(get(client, CALLBACK, {"state": state, "code": CODE}), "state_replayed")
    assert len(meta.calls()) == calls


def test_another_browser_of_the_same_person(client: Client, owner: User) -> None:
    state = start(client)
    elsewhere = Client()
    elsewhere.force_login(owner)
    start(elsewhere)
    says(get(elsewhere, CALLBACK, {"state": state, "code": CODE}), "other_browser")


def test_another_person(client: Client, owner: User) -> None:
    state = start(client)
    client.force_login(may_connect("other"))
    says(get(client, CALLBACK, {"state": state, "code": CODE}), "other_person")


def test_signed_out_in_between(client: Client, owner: User) -> None:
    state = start(client)
    client.logout()
    response = get(client, CALLBACK, {"state": state, "code": CODE})
    says(response, "signed_out")
    assert state not in response.content.decode()
    assert CODE not in response.content.decode()


def test_the_permission_was_taken_away_in_between(
    client: Client, owner: User, meta: FakeMeta
) -> None:
    state = start(client)
    owner.user_permissions.clear()
    says(get(client, CALLBACK, {"state": state, "code": CODE}), "not_allowed")
    assert not meta.calls()


@pytest.mark.parametrize("name", ["state", "code", "error", "anything"])
def test_a_parameter_given_twice_is_refused(client: Client, owner: User, name: str) -> None:
    query = {"state": [start(client)], "code": [CODE]}
    query[name] = [*query.get(name, ["x"]), "y"]
    says(get(client, CALLBACK, query), "duplicate_parameters")
    assert OAuthAttempt.objects.get().used_at is None


# --- callback: Meta's answer ---


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"error": "access_denied", "error_reason": "user_denied"}, "cancelled"),
        ({"error": "access_denied"}, "cancelled"),
        (
            {"error": "access_denied", "error_reason": "user_denied", "error_code": "200"},
            "cancelled",
        ),
        ({"error_code": "200", "error_message": "Permissions error"}, "development_mode"),
        ({"error": "access_denied", "error_code": "200"}, "development_mode"),
        ({"error": "invalid_scope"}, "scope_refused"),
        ({"error": "something_new", "error_description": "<script>"}, "dialog_error"),
        ({"error": "x", "code": CODE}, "dialog_error"),
        ({}, "no_answer"),
        ({"code": "#_"}, "no_answer"),
        ({"code": "x" * 5000}, "code_invalid"),
    ],
)
def test_answers_without_a_usable_code(
    client: Client, owner: User, meta: FakeMeta, answer: dict[str, str], code: str
) -> None:
    response = come_back(client, **answer)
    says(response, code)
    assert "<script>" not in response.content.decode()
    assert not meta.calls()


@pytest.mark.parametrize(
    ("fixture", "code"),
    [
        ("error_redirect", "redirect_mismatch"),
        ("error_secret", "wrong_app_secret"),
        ("error_code_used", "code_used"),
        ("error_temporary", "meta_unreachable"),
    ],
)
def test_a_refused_exchange_is_told_without_secrets(
    client: Client, owner: User, meta: FakeMeta, fixture: str, code: str
) -> None:
    meta.answer("GET", TOKEN_PATH, fixture)
    response = come_back(client, code=CODE)
    says(response, code)
    assert not [word for word in SECRETS if word in response.content.decode()]


def test_pages_without_instagram_are_named(client: Client, owner: User, meta: FakeMeta) -> None:
    meta.good_day(accounts="accounts_unusable_mixed")
    response = come_back(client, code=CODE)
    says(response, "no_usable_page")
    html = response.content.decode()
    assert "Read only" in html
    assert PAGE_PROBLEMS["no_task"].sentence in html


def test_a_damaged_encryption_key_is_told(
    client: Client, owner: User, meta: FakeMeta, settings: Settings
) -> None:
    settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = ["short"]
    meta.good_day()
    response = come_back(client, code=CODE)
    says(response, "not_configured")
    assert "INSTAGRAM_TOKEN_ENCRYPTION_KEYS" in response.content.decode()
    assert not ConnectedAccount.objects.exists()


def test_no_secret_in_the_session_or_on_the_page(
    client: Client, owner: User, meta: FakeMeta, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    meta.good_day(accounts="accounts_mixed")
    state = start(client)
    get(client, CALLBACK, {"state": state, "code": CODE})
    kept = str(dict(client.session.items()))
    html = get(client, RESULT).content.decode()
    for text in (kept, html, caplog.text):
        assert not [word for word in (*SECRETS, state) if word in text]


def test_no_code_in_what_an_error_report_would_show(
    client: Client, owner: User, meta: FakeMeta, caplog: pytest.LogCaptureFixture
) -> None:
    meta.answer("GET", TOKEN_PATH, "error_secret")
    come_back(client, code=CODE)
    (record,) = [one for one in caplog.records if one.name == "django.request"]
    request = record.__dict__["request"]
    assert request.path == reverse(CALLBACK)
    assert CODE not in f"{request.build_absolute_uri()} {request.GET} {request.META}"


def test_meta_is_called_outside_the_transaction_a_host_puts_around_requests() -> None:
    assert getattr(resolve(reverse(CALLBACK)).func, "_non_atomic_requests", None)


# --- result ---


def test_result_says_what_does_not_work(client: Client, owner: User, meta: FakeMeta) -> None:
    meta.good_day(
        accounts="accounts_mixed",
        permissions="permissions_no_metadata",
        subscribed_apps="error_no_metadata",
    )
    come_back(client, code=CODE)
    html = get(client, RESULT).content.decode()
    assert "Connected, with a gap." in html
    assert "<code>pages_manage_metadata</code>" in html
    assert PAGE_PROBLEMS["no_instagram"].sentence in html
    assert "Allow access to messages" in html


@pytest.mark.parametrize("linked", [True, False])
def test_names_from_meta_are_escaped(
    client: Client, owner: User, meta: FakeMeta, linked: bool
) -> None:
    account = {"id": "2", "username": "<img src=x onerror=alert(1)>"} if linked else None
    page = {
        "id": "700100200301",
        "name": "<b>Shop</b>",
        "access_token": "EAAPAGE1secretvalue",
        "instagram_business_account": account,
    }
    meta.good_day(accounts={"data": [page]})
    response = come_back(client, code=CODE)
    html = (get(client, RESULT) if linked else response).content.decode()
    assert "&lt;b&gt;Shop&lt;/b&gt;" in html
    assert "<img" not in html
    assert "<b>" not in html


def test_result_without_anything_to_show(client: Client, owner: User) -> None:
    says(get(client, RESULT), "no_result")


def test_result_needs_a_signed_in_person(client: Client) -> None:
    assert get(client, RESULT)["Location"] == f"/login/?next={reverse(RESULT)}"


def test_a_frontend_gets_the_answer(
    client: Client, owner: User, meta: FakeMeta, settings: Settings
) -> None:
    settings.INSTAGRAM_CONNECT_RETURN_URL = "https://app.example/settings?tab=social#end"
    meta.good_day()
    response = come_back(client, code=CODE)
    location = "https://app.example/settings?tab=social&instagram={}#end"
    assert response["Location"] == location.format("connected")
    response = get(client, CALLBACK, {"state": "forged"})
    assert response["Location"] == location.replace("instagram=", "instagram_error=").format(
        "state_unknown"
    )
    is_private(response)


# --- the words and the frame ---


def test_every_problem_has_words_and_a_fitting_status() -> None:
    for code, problem in PROBLEMS.items():
        assert 400 <= problem.status < 600, code
        assert problem.next_step.endswith("."), code
        assert not re.search(r"token|exception|state|oauth2", problem.title.lower()), code


def test_pages_load_nothing_from_elsewhere_and_have_no_inline_code(
    client: Client, owner: User
) -> None:
    html = get(client, RESULT).content.decode()
    assert "<script" not in html
    assert "<style" not in html
    assert " style=" not in html
    assert not re.search(r'(src|href)="(https?:)?//', html)
    assert "social_integrations/social.css" in html


# --- two logins ---


@pytest.fixture
def both_logins(settings: Settings) -> None:
    settings.INSTAGRAM_LOGIN_APP_ID = "800000000000001"
    settings.INSTAGRAM_LOGIN_APP_SECRET = "instagram-secretvalue"


@pytest.mark.usefixtures("both_logins")
def test_the_two_logins_are_explained(client: Client, owner: User, settings: Settings) -> None:
    settings.INSTAGRAM_CONNECT_RETURN_URLS = ["https://app.example/"]
    response = get(client, START, {"return_url": "https://app.example/"})
    html = response.content.decode()
    is_private(response)
    assert "Continue with Instagram" in html
    assert "Continue with Facebook" in html
    assert html.count("return_url=https%3A%2F%2Fapp.example%2F&amp;login=") == 2
    assert not OAuthAttempt.objects.exists()


@pytest.mark.usefixtures("both_logins")
def test_the_explanation_is_for_those_who_may(client: Client) -> None:
    client.force_login(User.objects.create_user("guest"))
    says(get(client, START), "not_allowed")


@pytest.mark.usefixtures("both_logins")
def test_instagram_is_asked_as_it_documents(client: Client, owner: User) -> None:
    url = urlsplit(get(client, START, {"login": "instagram"})["Location"])
    assert (url.netloc, url.path) == ("www.instagram.com", "/oauth/authorize")
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert query.pop("state")
    assert query == {
        "client_id": "800000000000001",
        "redirect_uri": "https://testserver/api/social/instagram/oauth/callback/",
        "scope": "instagram_business_basic,instagram_business_manage_messages",
        "response_type": "code",
        "force_reauth": "true",
        "enable_fb_login": "false",
    }
    assert OAuthAttempt.objects.get().login == "instagram"


@pytest.mark.usefixtures("both_logins")
def test_an_account_connects_with_instagram(client: Client, owner: User, meta: FakeMeta) -> None:
    meta.instagram_day()
    url = urlsplit(get(client, START, {"login": "instagram"})["Location"])
    answer = {"state": parse_qs(url.query)["state"][0], "code": f"{CODE}#_"}
    assert get(client, CALLBACK, answer)["Location"] == reverse(RESULT)
    assert sent(meta.calls("oauth/access_token")[0])["code"] == CODE
    assert ConnectedAccount.objects.get().login == "instagram"


@pytest.mark.usefixtures("both_logins")
@pytest.mark.parametrize("login", ["facebook", "instagram"])
def test_a_code_goes_only_to_the_login_its_state_was_made_for(
    client: Client, owner: User, meta: FakeMeta, login: str
) -> None:
    url = urlsplit(get(client, START, {"login": login})["Location"])
    state = parse_qs(url.query)["state"][0]
    other = "facebook" if login == "instagram" else "instagram"
    get(client, CALLBACK, {"state": state, "code": CODE, "login": other, "iss": other})
    hosts = {urlsplit(call.url or "").hostname for call in meta.calls()}
    assert hosts == {"graph.facebook.com" if login == "facebook" else "api.instagram.com"}


@pytest.mark.parametrize("login", ["myspace", "Facebook", "\x00"])
def test_an_unknown_login(client: Client, owner: User, login: str) -> None:
    says(get(client, START, {"login": login}), "login_unknown")


def test_a_login_that_is_not_set_up_names_its_settings(client: Client, owner: User) -> None:
    response = get(client, START, {"login": "instagram"})
    says(response, "not_configured")
    assert "INSTAGRAM_LOGIN_APP_ID, INSTAGRAM_LOGIN_APP_SECRET" in response.content.decode()


@pytest.mark.usefixtures("both_logins")
def test_the_only_login_needs_no_choice(client: Client, owner: User, settings: Settings) -> None:
    settings.INSTAGRAM_APP_ID = ""
    assert "www.instagram.com" in get(client, START)["Location"]


def test_a_configuration_stands_for_the_permissions(
    client: Client, owner: User, settings: Settings
) -> None:
    settings.INSTAGRAM_FACEBOOK_CONFIG_ID = "4711"
    query = parse_qs(urlsplit(get(client, START)["Location"]).query)
    assert query["config_id"] == ["4711"]
    assert "scope" not in query


def test_a_partial_grant_says_what_does_not_work(
    client: Client, owner: User, meta: FakeMeta
) -> None:
    meta.good_day(permissions="permissions_no_business")
    come_back(client, code=CODE)
    html = get(client, RESULT).content.decode()
    assert "<code>business_management</code>" in html
    assert "Pages that belong to a business portfolio stay hidden" in html
