"""Private replies: one per comment, within seven days, and no window (section 4.7)."""

from typing import Any

import requests

from .conftest import (
    ALL_SCOPES,
    LOGIN_SCOPES,
    Client,
    Crm,
    Sender,
    echoes,
    error,
    items,
    wait_until,
)

COMMENTS = f"{ALL_SCOPES},instagram_manage_comments"
LOGIN_COMMENTS = f"{LOGIN_SCOPES},instagram_business_manage_comments"
DAY = 24 * 3600


def reply(sender: Sender, comment_id: str, text: str = "I wrote you") -> requests.Response:
    return sender.post({"recipient": {"comment_id": comment_id}, "message": {"text": text}})


def comment(client: Client, crm: Crm, kind: str = "comment", **body: object) -> dict[str, Any]:
    before = len(crm.received)
    client.event(kind, **body)
    wait_until(lambda: len(crm.received) > before)
    return items(crm)[-1]


def page_sender(client: Client) -> Sender:
    client.subscribe()
    return Sender(client, "/me/messages", client.page(COMMENTS)["access_token"])


def test_a_comment_is_answered_once_in_private(client: Client, crm: Crm) -> None:
    sender = page_sender(client)
    written = comment(client, crm, text="How much?")
    assert client.state()["comments"][0]["replied_mid"] is None
    answer = reply(sender, written["id"])
    assert answer.json()["recipient_id"] == written["from"]["id"]
    wait_until(lambda: len(echoes(crm)) == 1)
    assert echoes(crm)[0]["mid"] == answer.json()["message_id"]
    assert client.state()["comments"][0]["replied_mid"] == answer.json()["message_id"]
    assert error(reply(sender, written["id"])) == (100, 2534025)
    # It opens no window: the commenter has to answer first.
    igsid = written["from"]["id"]
    assert error(sender(igsid, message={"text": "And?"})) == (10, 2534022)
    client.control("messages", text="Thanks")
    assert sender(igsid, message={"text": "And?"}).status_code == 200


def test_a_comment_can_be_answered_for_seven_days_a_live_one_for_an_hour(
    client: Client, crm: Crm
) -> None:
    sender = page_sender(client)
    old = comment(client, crm, ago=7 * DAY - 60)
    live = comment(client, crm, "live_comment")
    older = comment(client, crm, ago=7 * DAY)
    assert error(reply(sender, older["id"])) == (100, 2534025)
    assert error(reply(sender, "17910000000000000")) == (100, 2534025)
    assert reply(sender, old["id"]).status_code == 200
    client.control("clock", advance=3600)
    assert error(reply(sender, live["id"])) == (100, 2534025)


def test_only_the_account_it_was_written_to_may_answer(client: Client, crm: Crm) -> None:
    sender = page_sender(client)
    client.event("comment", account="second_shop")
    other = client.state()["comments"][0]["id"]
    assert error(reply(sender, other)) == (100, 2534025)


def test_it_needs_the_permission_for_comments(client: Client, crm: Crm) -> None:
    token = client.subscribe()["access_token"]
    written = comment(client, crm)
    assert error(reply(Sender(client, "/me/messages", token), written["id"])) == (200, None)
    login = Sender(client, "/me/messages", client.login_token())
    assert error(reply(login, written["id"])) == (200, None)
    able = Sender(client, "/me/messages", client.login_token(LOGIN_COMMENTS))
    assert reply(able, written["id"]).status_code == 200
