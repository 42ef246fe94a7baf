"""The token doors and what an access token has to look like."""

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from social_integrations.api.tokens import AccessToken, RefreshToken
from social_integrations.selectors import feed_start
from social_integrations.tests.factories import make_user

pytestmark = pytest.mark.django_db

TOKEN = "/api/auth/token/"
REFRESH = "/api/auth/token/refresh/"
STATUS = "/api/social/instagram/connection/status/"
UPDATES = "/api/social/instagram/updates/"
KEY: Any = settings.SIMPLE_JWT["SIGNING_KEY"]


@pytest.fixture(autouse=True)
def _fresh_throttle() -> None:
    cache.clear()


@pytest.fixture
def user() -> User:
    return make_user(username="customer", password="correct horse battery")


def post(client: Client, path: str, **data: Any) -> Any:
    return client.post(path, json.dumps(data), content_type="application/json")


def claims_of(token: Any, **changes: Any) -> dict[str, Any]:
    claims = jwt.decode(
        str(token), KEY, algorithms=["HS256"], audience="echodesk-api", issuer="echodesk"
    )
    return {name: value for name, value in (claims | changes).items() if value is not ...}


def forged(token: Any, **changes: Any) -> str:
    """Return a well-signed token with changed claims; `...` removes one."""
    payload = json.dumps(claims_of(token, **changes)).encode()
    return jwt.PyJWS().encode(payload, KEY, algorithm="HS256")


def status_with(client: Client, authorization: str) -> Any:
    return client.get(STATUS, headers={"Authorization": authorization})


# --- Getting in ---------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", ["application/json", None])
def test_password_buys_a_pair_that_opens_the_api(
    client: Client, user: User, content_type: str | None
) -> None:
    credentials = {"username": "customer", "password": "correct horse battery"}
    extra: Any = {"content_type": content_type} if content_type else {}
    response = client.post(TOKEN, credentials, **extra)
    assert response.status_code == 200
    assert set(response.json()) == {"access", "refresh"}
    assert response["Cache-Control"] == "no-store"
    assert status_with(client, f"Bearer {response.json()['access']}").status_code == 200


def test_url_encoded_form_works_like_curl(client: Client, user: User) -> None:
    response = client.post(
        TOKEN,
        "username=customer&password=correct+horse+battery",
        content_type="application/x-www-form-urlencoded",
    )
    assert response.status_code == 200


def test_password_is_taken_as_typed(client: Client) -> None:
    make_user(username="blank", password=" spaced out ")
    assert post(client, TOKEN, username="blank", password=" spaced out ").status_code == 200
    assert post(client, TOKEN, username="blank", password="spaced out").status_code == 401


@pytest.mark.parametrize(
    ("username", "password"), [("customer", "wrong"), ("nobody", "correct horse battery")]
)
def test_wrong_credentials_answer_alike(
    client: Client, user: User, username: str, password: str
) -> None:
    response = post(client, TOKEN, username=username, password=password)
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "no_active_account"
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_inactive_user_gets_no_token(client: Client, user: User) -> None:
    User.objects.update(is_active=False)
    assert (
        post(client, TOKEN, username="customer", password="correct horse battery").status_code
        == 401
    )


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b"{}",
        b'{"username":{"a":1},"password":[]}',
        b'{"username":"a\\u0000","password":"b"}',
    ],
)
def test_odd_bodies_are_validation_errors(client: Client, body: bytes) -> None:
    response = client.post(TOKEN, body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid"


def test_tries_are_limited_by_address_whatever_the_header_says(client: Client, user: User) -> None:
    wrong = {"username": "x", "password": "y"}
    statuses = [
        client.post(TOKEN, wrong, headers={"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(21)
    ]
    assert [response.status_code for response in statuses] == [401] * 20 + [429]
    last = statuses[-1]
    assert int(last["Retry-After"]) > 0
    assert last.json()["error"]["code"] == "throttled"
    assert last.json()["error"]["details"]["retry_after"] > 0


# --- Access tokens that do not open -------------------------------------------------------------

ODD_CLAIMS: list[dict[str, Any]] = [
    {"exp": 10**30},
    {"exp": -1},
    {"exp": 0},
    {"exp": 1e400},
    {"exp": 4102444800.5},
    {"exp": "4102444800"},
    {"exp": True},
    {"exp": None},
    {"exp": [4102444800]},
    {"exp": ...},
    {"iat": "yesterday"},
    {"iat": 10**30},
    {"nbf": 4102444800},
    {"nbf": "x"},
    {"user_id": [1]},
    {"user_id": {"pk": 1}},
    {"user_id": "1 OR 1=1"},
    {"user_id": "1\0"},
    {"user_id": ""},
    {"user_id": True},
    {"user_id": None},
    {"user_id": 1.0},
    {"user_id": 10**40},
    {"user_id": "9" * 250},
    {"user_id": "9" * 5000},
    {"user_id": -1},
    {"user_id": 2**63},
    {"user_id": ...},
    {"aud": "another"},
    {"aud": ...},
    {"aud": [1]},
    {"iss": "another"},
    {"iss": ["echodesk"]},
    {"iss": ...},
    {"jti": ...},
    {"jti": ["x"]},
    {"sub": 5},
    {"token_type": "refresh"},
    {"token_type": ["access"]},
    {"token_type": ...},
    {"hash_password": "0" * 32},
    {"hash_password": ["x"]},
    {"hash_password": ...},
]


def label(case: Any) -> str:
    return str(case)[:40]


@pytest.mark.parametrize("changes", ODD_CLAIMS, ids=label)
def test_well_signed_access_tokens_with_odd_claims_are_401(
    client: Client, user: User, changes: dict[str, Any]
) -> None:
    token = forged(AccessToken.for_user(user), **changes)
    response = status_with(client, f"Bearer {token}")
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "token_not_valid"
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'
    polling = {"Authorization": f"Bearer {token}", "If-None-Match": "*"}
    for short_cut in (STATUS, f"{UPDATES}?after={feed_start()}"):
        assert client.get(short_cut, headers=polling).status_code == 401


@pytest.mark.parametrize("changes", ODD_CLAIMS, ids=label)
def test_well_signed_refresh_tokens_with_odd_claims_are_401(
    client: Client, user: User, changes: dict[str, Any]
) -> None:
    changes = {"token_type": "access"} if changes.get("token_type") == "refresh" else changes
    token = forged(RefreshToken.for_user(user), **changes)
    response = post(client, REFRESH, refresh=token)
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "token_not_valid"
    assert not BlacklistedToken.objects.exists()


@pytest.mark.parametrize("kind", [str, int])
def test_the_forging_helper_itself_makes_good_tokens(client: Client, user: User, kind: Any) -> None:
    token = forged(AccessToken.for_user(user), user_id=kind(user.pk))
    assert status_with(client, f"Bearer {token}").status_code == 200


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer garbage",
        "Bearer a.b.c",
        "Bearer ..",
        "Bearer " + "." * 5000,
        "Bearer caf\xe9.caf\xe9.caf\xe9",
        "Bearer \u10d0\u10d1",
        "\u10d0\u10d1 x",
        "Basic dTpw",
        "",
        f"Bearer {segment({'alg': 'none'})}.{segment({'user_id': '1'})}.",
        f"Bearer {segment(b'[' * 50_000)}.{segment({})}.x",
        f"Bearer {segment({'alg': ['HS256']})}.{segment({})}.x",
        f"Bearer {segment({'alg': 'HS256', 'crit': ['x'], 'x': 1})}.{segment({})}.x",
    ],
    ids=label,
)
def test_malformed_authorization_is_401(client: Client, user: User, authorization: str) -> None:
    assert status_with(client, authorization).status_code == 401


def test_deeply_nested_signed_payload_is_401(client: Client, user: User) -> None:
    signed = jwt.PyJWS().encode(b'{"exp":' + b"[" * 50_000 + b"]" * 50_000 + b"}", KEY, "HS256")
    assert status_with(client, f"Bearer {signed}").status_code == 401


@pytest.mark.parametrize(("key", "algorithm"), [("k" * 64, "HS256"), (KEY, "HS384")])
def test_wrong_key_or_algorithm_is_401(
    client: Client, user: User, key: str, algorithm: str
) -> None:
    token = jwt.encode(claims_of(AccessToken.for_user(user)), key, algorithm=algorithm)
    assert status_with(client, f"Bearer {token}").status_code == 401


def test_leeway_is_ten_seconds(client: Client, user: User) -> None:
    lifetime: Any = settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]
    token, start = AccessToken.for_user(user), timezone.now()
    for seconds, expected in [(-1, 200), (8, 200), (12, 401)]:
        with time_machine.travel(start + lifetime + timedelta(seconds=seconds)):
            assert status_with(client, f"Bearer {token}").status_code == expected


@pytest.mark.parametrize("change", ["inactive", "deleted", "password"])
def test_tokens_die_with_the_user_they_speak_for(client: Client, user: User, change: str) -> None:
    refresh = RefreshToken.for_user(user)
    if change == "inactive":
        User.objects.update(is_active=False)
    elif change == "deleted":
        user.delete()
    else:
        user.set_password("another long passphrase")
        user.save()
    assert status_with(client, f"Bearer {refresh.access_token}").status_code == 401
    assert post(client, REFRESH, refresh=str(refresh)).status_code == 401


# --- Refreshing ---------------------------------------------------------------------------------


def test_refresh_rotates_and_each_token_works_once(client: Client, user: User) -> None:
    first = str(RefreshToken.for_user(user))
    second = post(client, REFRESH, refresh=first).json()
    assert second["refresh"] != first
    assert status_with(client, f"Bearer {second['access']}").status_code == 200
    assert post(client, REFRESH, refresh=second["refresh"]).status_code == 200
    assert post(client, REFRESH, refresh=first).status_code == 401


def test_reuse_of_a_rotated_token_revokes_all_of_that_user_only(client: Client, user: User) -> None:
    stolen = str(RefreshToken.for_user(user))
    other_device = str(RefreshToken.for_user(user))
    bystander = str(RefreshToken.for_user(make_user()))
    successor = post(client, REFRESH, refresh=stolen).json()["refresh"]

    assert post(client, REFRESH, refresh=stolen).status_code == 401
    assert post(client, REFRESH, refresh=successor).status_code == 401
    assert post(client, REFRESH, refresh=other_device).status_code == 401
    assert post(client, REFRESH, refresh=bystander).status_code == 200


def test_of_two_simultaneous_uses_the_second_counts_as_reuse(user: User) -> None:
    raw = str(RefreshToken.for_user(user))
    one, other = RefreshToken(raw), RefreshToken(raw)
    one.use_up()
    with pytest.raises(Exception, match="blacklisted"):
        other.use_up()
    assert OutstandingToken.objects.filter(blacklistedtoken__isnull=True).count() == 0


def test_access_token_does_not_refresh(client: Client, user: User) -> None:
    assert post(client, REFRESH, refresh=str(AccessToken.for_user(user))).status_code == 401


def test_every_refresh_token_is_outstanding_so_that_it_can_be_revoked(
    client: Client, user: User
) -> None:
    raw = str(RefreshToken.for_user(user))
    successor = post(client, REFRESH, refresh=raw).json()["refresh"]
    assert OutstandingToken.objects.filter(token=successor, user=user).exists()
