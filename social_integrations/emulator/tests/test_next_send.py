"""Every way a send can go wrong, on command, and the log that counts what went out."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from social_integrations.emulator.send_calls import OUTCOMES
from social_integrations.emulator.sending.errors import SEND_ERRORS, THROTTLING

from .conftest import Client, Crm, Sender, echoes, error, hear, wait_until

HI = {"message": {"text": "Hi"}}


def sent(client: Client) -> dict[str, Any]:
    return dict(client.get("/_control/sent").json())


def business_messages(client: Client) -> int:
    thread = client.state()["threads"][0]
    return sum(message["from"] == "business" for message in thread["messages"])


@pytest.mark.parametrize("name", SEND_ERRORS)
def test_every_row_of_metas_table_can_be_answered(
    page_sender: Sender, client: Client, crm: Crm, name: str
) -> None:
    igsid = hear(client)["igsid"]
    client.control("next-send", answer=name)
    assert page_sender(igsid, sender_action="typing_on").status_code == 200
    answer = page_sender(igsid, **HI)
    code, _, subcode = name.partition("/")
    assert error(answer) == (int(code), int(subcode) if subcode else None)
    assert business_messages(client) == (1 if name == "1/1357046" else 0)
    assert ("X-App-Usage" in answer.headers) is (int(code) in THROTTLING)
    assert page_sender(igsid, **HI).status_code == 200


def test_throttling_tells_the_minutes_until_it_ends(page_sender: Sender, client: Client) -> None:
    igsid = hear(client)["igsid"]
    client.control("next-send", answer="80006", times=2)
    for _ in range(2):
        told = page_sender(igsid, **HI).headers["X-Business-Use-Case-Usage"]
        [case] = json.loads(told)["17841400000000001"]
        assert (case["call_count"], case["estimated_time_to_regain_access"]) == (100, 5)
    assert "X-App-Usage" not in page_sender(igsid, **HI).headers


def test_an_error_may_be_answered_although_the_message_was_sent(
    page_sender: Sender, client: Client, crm: Crm
) -> None:
    igsid = hear(client)["igsid"]
    client.control("next-send", answer="2", sent=True)
    assert error(page_sender(igsid, **HI)) == (2, None)
    wait_until(lambda: len(echoes(crm)) == 1)
    row = sent(client)["sent"][0]
    assert (row["done"], row["answer"], row["code"]) == (True, "error", 2)
    assert row["message_id"] == echoes(crm)[0]["mid"]


def test_an_answer_may_be_lost_after_or_before_the_message_went_out(
    page_sender: Sender, client: Client, crm: Crm
) -> None:
    igsid = hear(client)["igsid"]
    for outcome, count in (("lost", 1), ("dropped", 1), ("half", 2)):
        client.control("next-send", answer=outcome)
        with pytest.raises((requests.ConnectionError, requests.JSONDecodeError)):
            page_sender(igsid, **HI).json()
        assert business_messages(client) == count, outcome
    assert [row["answer"] for row in sent(client)["sent"]] == ["sent", "lost", "lost"]
    assert [row["done"] for row in sent(client)["sent"]] == [True, False, True]


def test_an_answer_may_come_late(page_sender: Sender, client: Client, crm: Crm) -> None:
    igsid = hear(client)["igsid"]

    def impatient(outcome: str) -> Callable[[], object]:
        client.control("next-send", answer=outcome, seconds=1)
        body = {"recipient": {"id": igsid}, **HI, "access_token": page_sender.token}
        url = client.running.url + page_sender.path
        return lambda: requests.post(url, json=body, timeout=0.4)

    late = impatient("late")
    with pytest.raises(requests.Timeout):
        late()
    assert business_messages(client) == 1
    slow = impatient("slow")
    with pytest.raises(requests.Timeout):
        slow()
    assert business_messages(client) == 1
    wait_until(lambda: business_messages(client) == 2)


def test_the_page_and_scripts_can_see_what_waits(page_sender: Sender, client: Client) -> None:
    answers = client.get("/_control/next-send").json()["answers"]
    assert {row["answer"] for row in answers} == {*SEND_ERRORS, *OUTCOMES}
    assert client.control("next-send", answer="html")["waiting"][0]["only"] == "message"
    assert page_sender(hear(client)["igsid"], **HI).status_code == 503
    assert client.get("/_control/next-send").json()["waiting"] == []
    wrong = requests.post(
        f"{client.running.url}/_control/next-send", json={"answer": "5/5"}, timeout=5
    )
    assert wrong.status_code == 404


def test_the_log_keeps_every_call_and_finds_doubles(
    page_sender: Sender, client: Client, crm: Crm
) -> None:
    igsid = hear(client)["igsid"]
    client.control("switches", echo="before")
    mids = [page_sender(igsid, **HI).json()["message_id"] for _ in range(2)]
    page_sender(igsid, message={"text": "Other"})
    page_sender(igsid, sender_action="typing_on")
    page_sender("1", **HI)
    client.get(f"/{mids[0]}", access_token=page_sender.token)
    log = sent(client)
    refused, action, other, *_ = log["sent"]
    assert (refused["code"], refused["subcode"], refused["done"]) == (100, 2534014, False)
    assert (action["what"], action["request"]["sender_action"]) == ("action", "typing_on")
    assert other["request"] == {"recipient": {"id": igsid}, "message": {"text": "Other"}}
    assert (other["customer"], other["login"]) == ("910000000000001", "facebook")
    assert "access_token" not in json.dumps(log)
    assert log["messages"][mids[0]] == {"times": 2, "echoes": 1, "reads": 1, "seen": False}
    assert [double["message_ids"] for double in log["doubles"]] == [mids]
    assert sent(client)["messages"][other["message_id"]]["times"] == 1


def test_sending_too_fast_is_refused(page_sender: Sender, client: Client) -> None:
    igsid = hear(client)["igsid"]
    client.control("switches", send_rate=2)
    answers = [page_sender(igsid, **HI) for _ in range(3)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert error(answers[2]) == (613, 2534040)
    assert answers[2].headers["Retry-After"] == "1"
