"""The Graph: nodes, fields, paging, subscriptions, and its errors."""

import pytest
import requests

from .conftest import ALL_SCOPES, Client, Crm, error

GUIDE_SCOPES = (
    "instagram_basic,instagram_manage_messages,pages_show_list,pages_read_engagement,"
    "business_management"
)
FIELDS = "id,name,access_token,tasks,instagram_business_account{id,username,profile_picture_url}"


def test_accounts_show_pages_with_their_instagram_account(client: Client) -> None:
    everything = ["210000000000001", "210000000000003"]
    token = client.user_token(pages=everything)
    answer = client.get("/v26.0/me/accounts", access_token=token, fields=FIELDS)
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert answer.headers["facebook-api-version"] == "v26.0"
    assert "x-fb-trace-id" in answer.headers
    linked, bare = answer.json()["data"]
    assert linked["instagram_business_account"]["username"] == "demo_shop"
    assert "MESSAGING" in linked["tasks"]
    assert "instagram_business_account" not in bare
    picture = requests.get(linked["instagram_business_account"]["profile_picture_url"], timeout=5)
    assert picture.headers["Content-Type"] == "image/png"


def test_accounts_page_through_with_next(client: Client) -> None:
    for number in range(5):
        client.control("pages", name=f"Branch {number}")
    client.control("pages", name="In a business", business=True)
    url = f"{client.running.url}/v26.0/me/accounts?limit=3&fields=name&access_token="
    url += client.user_token()
    names: list[str] = []
    sizes: list[int] = []
    while url:
        answer = requests.get(url, timeout=5).json()
        names += [row["name"] for row in answer["data"]]
        sizes.append(len(answer["data"]))
        url = answer["paging"].get("next")
    assert sizes == [3, 3, 2]
    assert len(set(names)) == 8
    previous = requests.get(answer["paging"]["previous"], timeout=5).json()
    assert [row["name"] for row in previous["data"]] == names[3:6]


def test_missing_permissions_hide_things_silently(client: Client) -> None:
    client.control("pages", name="In a business", business=True)
    token = client.user_token("pages_show_list")
    pages = client.get("/me/accounts", access_token=token, fields=FIELDS).json()["data"]
    assert [page["name"] for page in pages] == ["Demo Shop", "Second Shop"]
    assert all("instagram_business_account" not in page for page in pages)
    blind = client.user_token("instagram_basic")
    assert client.get("/me/accounts", access_token=blind).json() == {"data": []}


def test_tokens_come_in_header_query_form_or_json(client: Client) -> None:
    page = client.page()
    url = f"{client.running.url}/{page['id']}/subscribed_apps"
    body = {"subscribed_fields": ["feed"]}
    header = {"Authorization": f"Bearer {page['access_token']}"}
    token = {"access_token": page["access_token"]}
    calls = (
        requests.post(url, json=body, headers=header, timeout=5),
        requests.post(url, json={**body, **token}, timeout=5),
        requests.post(url, data={"subscribed_fields": "feed", **token}, timeout=5),
        requests.post(url, params={"subscribed_fields": '["feed"]', **token}, timeout=5),
        requests.post(url, files={"subscribed_fields": (None, "feed")}, params=token, timeout=5),
    )
    assert [call.json() for call in calls] == [{"success": True}] * len(calls)


def test_nodes_answer_their_fields(client: Client) -> None:
    page = client.page()
    token = page["access_token"]
    again = client.get(f"/{page['id']}", access_token=token, fields="access_token").json()
    assert again == {"access_token": token, "id": page["id"]}
    account = client.get(
        "/17841400000000001", access_token=token, fields="username,name,profile_picture_url"
    ).json()
    assert account["username"] == "demo_shop"
    assert client.get("/me", access_token=client.user_token()).json()["name"] == "Shop owner"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/me?fields=shoe_size", (100, None)),
        ("/me?fields=id,accounts{", (2500, None)),
        ("/me?fields=}", (2500, None)),
        ("/me/nonsense", (2500, None)),
        ("/v26.0/99999", (100, 33)),
        ("/me/accounts/deep", (2500, None)),
        ("/v26.0/", (100, 33)),
        ("/210000000000002", (100, 33)),
        ("/me/subscribed_apps", (100, 33)),
    ],
)
def test_wrong_calls_get_metas_errors(
    client: Client, path: str, expected: tuple[int, int | None]
) -> None:
    token = client.user_token(pages=["210000000000001"])
    header = {"Authorization": f"Bearer {token}"}
    assert error(requests.get(client.running.url + path, headers=header, timeout=5)) == expected


def test_no_token_and_a_wrong_one(client: Client) -> None:
    assert error(client.get("/me")) == (104, None)
    assert error(client.get("/me", access_token="EAAwrong")) == (190, None)
    broken = requests.post(
        f"{client.running.url}/me",
        data=b"{",
        headers={"Content-Type": "application/json"},
        timeout=5,
    )
    assert error(broken) == (100, None)


def test_subscribing_a_page_and_its_traps(client: Client) -> None:
    page = client.page()
    url, token = f"/{page['id']}/subscribed_apps", page["access_token"]
    for wrong in ("messaging_seen", "messaging_handover", "message_edit", "comments"):
        answer = client.post(url, access_token=token, subscribed_fields=f"messages,{wrong}")
        assert error(answer) == (100, None)
        assert wrong in answer.json()["error"]["message"]
    assert error(client.post(url, access_token=token)) == (100, None)
    user = client.user_token()
    assert error(client.post(url, access_token=user, subscribed_fields="feed")) == (210, None)
    assert client.get(url, access_token=token).json() == {"data": []}
    client.post(url, access_token=token, subscribed_fields="messages,message_reads")
    (installed,) = client.get(url, access_token=token).json()["data"]
    assert installed["subscribed_fields"] == ["messages", "message_reads"]
    gone = requests.delete(client.running.url + url, params={"access_token": token}, timeout=5)
    assert gone.json() == {"success": True}
    assert client.get(url, access_token=token).json() == {"data": []}


def test_messages_needs_pages_messaging_and_all_needs_metadata(client: Client) -> None:
    page = client.page(GUIDE_SCOPES + ",pages_manage_metadata")
    url = f"/{page['id']}/subscribed_apps"
    refused = client.post(url, access_token=page["access_token"], subscribed_fields="messages")
    assert error(refused) == (200, None)
    allowed = client.post(url, access_token=page["access_token"], subscribed_fields="feed")
    assert allowed.json() == {"success": True}
    page = client.page(GUIDE_SCOPES)
    refused = client.post(url, access_token=page["access_token"], subscribed_fields="feed")
    assert error(refused) == (200, None)


def test_a_customers_profile_needs_a_message_from_them(client: Client) -> None:
    token = client.subscribe()["access_token"]
    igsid = client.control("echoes", text="Hello?")["igsid"]
    fields = "name,username,profile_pic,is_user_follow_business"
    assert error(client.get(f"/{igsid}", access_token=token, fields=fields)) == (230, None)
    client.control("messages", text="Hi")
    profile = client.get(f"/{igsid}", access_token=token, fields=fields).json()
    assert (profile["name"], profile["username"]) == ("First Customer", "customer_one")
    other = client.control("messages", text="Hi", account="second_shop")["igsid"]
    assert other != igsid
    assert error(client.get(f"/{other}", access_token=token)) == (100, 33)
    assert error(client.get("/1234567890123456", access_token=token)) == (100, 33)


def test_app_subscriptions_shake_hands_first(client: Client, crm: Crm) -> None:
    config = client.running.config
    url, token = f"/{config.app_id}/subscriptions", f"{config.app_id}|{config.app_secret}"
    wanted = {"object": "instagram", "callback_url": crm.url, "fields": "messages"}
    wrong = client.post(url, access_token=token, verify_token="no", **wanted)
    assert error(wrong) == (2200, None)
    right = client.post(url, access_token=token, verify_token="verify-me", **wanted)
    assert right.json() == {"success": True}
    (row,) = client.get(url, access_token=token).json()["data"]
    assert [field["name"] for field in row["fields"]] == ["messages"]
    assert error(client.get(url, access_token=client.user_token())) == (15, None)
    client.subscribe()
    client.control("echoes", text="Hello")
    assert client.control("seen")["detail"].endswith("the field messaging_seen.")


def test_faults_hit_matching_calls_only(client: Client) -> None:
    token = client.user_token(ALL_SCOPES)
    client.control("faults", match="^/me/accounts", status=429, code=4, subcode=7, times=2)
    assert client.get("/me", access_token=token).status_code == 200
    for _ in range(2):
        failed = client.get("/v26.0/me/accounts", access_token=token)
        assert (failed.status_code, error(failed)) == (429, (4, 7))
    assert client.get("/me/accounts", access_token=token).status_code == 200
    client.control("faults", match=".", body={"odd": 1}, status=499, times=2)
    assert client.get("/me", access_token=token).json() == {"odd": 1}
    requests.delete(f"{client.running.url}/_control/faults", timeout=5)
    assert client.get("/me", access_token=token).status_code == 200
