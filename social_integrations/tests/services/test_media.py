"""The way to a link, how often its host is asked, and fresh links for dead ones."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
import time_machine
from cryptography.fernet import Fernet
from django.utils import timezone
from pytest_django import Settings

from social_integrations.exceptions import GraphError, GraphRefusedError
from social_integrations.models import Attachment, ConnectedAccount, Job, Message
from social_integrations.services.media import Way, find_way, refresh_media
from social_integrations.tasks import run_next_job
from social_integrations.tests.factories import (
    NOON,
    make_account,
    make_attachment,
    make_contact,
    make_conversation,
    make_message,
)
from social_integrations.tests.graph.answers import FakeMeta, sent
from social_integrations.tests.media.servers import Host, answer, media_host

pytestmark = pytest.mark.django_db

MID = "m-7"
FRESH = "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=2&signature=new"
OLD = "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1&signature=old"


def attachment_of(message: Message | None = None, **values: Any) -> Attachment:
    return make_attachment(message or make_message(mid=MID, text=""), **{"url": OLD} | values)


def served(settings: Settings, status: str) -> Iterator[tuple[Host, Attachment]]:
    with media_host(answer(b"x", status)) as host:
        settings.INSTAGRAM_MEDIA_HOSTS = [host.entry]
        yield host, attachment_of(url=host.url())


@pytest.fixture
def alive(settings: Settings) -> Iterator[tuple[Host, Attachment]]:
    yield from served(settings, "206 Partial Content")


@pytest.fixture
def dead(settings: Settings) -> Iterator[tuple[Host, Attachment]]:
    yield from served(settings, "403 Forbidden")


@pytest.fixture
def troubled(settings: Settings) -> Iterator[tuple[Host, Attachment]]:
    yield from served(settings, "503 Busy")


def way(attachment: Attachment) -> Way:
    """Find the way of the attachment as it is stored now."""
    return find_way(Attachment.objects.select_related("message").get(pk=attachment.pk))


class TestTheWay:
    def test_the_host_is_asked_once_in_ten_minutes(self, alive: tuple[Host, Attachment]) -> None:
        host, attachment = alive
        with time_machine.travel(NOON, tick=False) as clock:
            assert [way(attachment) for _ in range(3)] == [Way.LINK] * 3
            assert len(host.requests) == 1
            assert Attachment.objects.get().checked_at == NOON
            clock.shift(timedelta(minutes=10, seconds=1))
            assert way(attachment) == Way.LINK
        assert len(host.requests) == 2
        assert not Job.objects.exists()

    def test_a_dead_link_is_marked_and_a_fresh_one_asked_for_once_an_hour(
        self, dead: tuple[Host, Attachment]
    ) -> None:
        host, attachment = dead
        with time_machine.travel(NOON, tick=False) as clock:
            assert [way(attachment) for _ in range(3)] == [Way.EXPIRED] * 3
            assert len(host.requests) == 1
            assert Attachment.objects.get().expired_at == NOON
            job = Job.objects.get()
            assert (job.name, job.payload) == ("reread_media", {"message": attachment.message_id})
            clock.shift(timedelta(hours=1))
            assert way(attachment) == Way.EXPIRED
        assert Attachment.objects.get().expired_at == NOON
        assert Job.objects.count() == 2

    def test_trouble_keeps_nobody_from_trying(self, troubled: tuple[Host, Attachment]) -> None:
        host, attachment = troubled
        assert [way(attachment) for _ in range(2)] == [Way.LINK] * 2
        assert len(host.requests) == 1
        assert Attachment.objects.get().expired_at is None

    def test_trouble_does_not_bring_a_dead_link_back(
        self, troubled: tuple[Host, Attachment]
    ) -> None:
        Attachment.objects.update(expired_at=NOON)
        assert way(troubled[1]) == Way.EXPIRED

    def test_a_link_that_works_again_is_no_longer_marked(
        self, alive: tuple[Host, Attachment]
    ) -> None:
        Attachment.objects.update(expired_at=NOON)
        assert way(alive[1]) == Way.LINK
        assert Attachment.objects.get().expired_at is None

    @pytest.mark.parametrize(
        "url", ["https://evil.example/a", "http://127.0.0.1:9/", "javascript:alert(1)"]
    )
    def test_another_host_is_neither_asked_nor_noted(self, url: str) -> None:
        attachment = attachment_of(url=url)
        assert way(attachment) == Way.BY_HAND
        assert Attachment.objects.get().checked_at is None

    @pytest.mark.parametrize(
        ("kind", "mid"), [("ig_story", MID), ("template", MID), ("image", None)]
    )
    def test_what_meta_cannot_give_again_is_not_asked_for(
        self, dead: tuple[Host, Attachment], kind: str, mid: str | None
    ) -> None:
        Attachment.objects.update(type=kind)
        Message.objects.update(mid=mid)
        assert way(dead[1]) == Way.EXPIRED
        assert not Job.objects.exists()


@pytest.fixture
def message() -> Message:
    contact = make_contact(account=make_account(access_token="EAABmarker-of-the-page"))
    return make_message(conversation=make_conversation(contact=contact), mid=MID, text="")


def dead_attachment(message: Message, position: int = 0, **values: Any) -> Attachment:
    url = f"{OLD}{position}"
    return attachment_of(
        message,
        **{"url": url, "position": position, "expired_at": NOON, "checked_at": NOON} | values,
    )


def links_now() -> list[str]:
    return list(Attachment.objects.order_by("position").values_list("url", flat=True))


class TestReading:
    def test_a_fresh_link_takes_the_place_of_the_dead_one(
        self, meta: FakeMeta, message: Message
    ) -> None:
        dead_attachment(message)
        meta.answer(
            "GET", MID, {"attachments": {"data": [{"id": "1", "image_data": {"url": FRESH}}]}}
        )
        refresh_media(message_id=message.pk)
        stored = Attachment.objects.get()
        assert (stored.url, stored.expired_at, stored.checked_at) == (FRESH, None, None)
        [call] = meta.calls()
        assert sent(call)["fields"] == "attachments,shares,story"
        assert "access_token" not in str(call.url)

    def test_links_are_matched_by_kind_and_order(self, meta: FakeMeta, message: Message) -> None:
        kinds = ["video", "image", "audio", "image", "ig_post", "story_mention", "file"]
        for position, kind in enumerate(kinds):
            dead_attachment(message, position, type=kind)
        meta.answer(
            "GET",
            MID,
            {
                "attachments": {
                    "data": [
                        {
                            "id": "1",
                            "image_data": {"url": f"{FRESH}-i1", "preview_url": f"{FRESH}-p"},
                        },
                        {"id": "2", "file_url": f"{FRESH}-f1", "name": "voice"},
                        {"id": "3", "video_data": {"url": f"{FRESH}-v1"}},
                        {"id": "4", "image_data": {"url": f"{FRESH}-i2"}},
                        {"id": "5", "file_url": f"{FRESH}-f2"},
                    ]
                },
                "shares": {"data": [{"link": f"{FRESH}-s1"}]},
                "story": {"mention": {"link": f"{FRESH}-m", "id": "1"}},
            },
        )
        refresh_media(message_id=message.pk)
        expected = ["v1", "i1", "f1", "i2", "s1", "m", "f2"]
        assert links_now() == [f"{FRESH}-{end}" for end in expected]

    @pytest.mark.parametrize(
        "answer",
        [
            {},
            {"attachments": {"data": []}},
            {"attachments": {"data": [{"image_data": {"url": OLD + "0"}}]}},  # the same link again
            {"attachments": {"data": [{"image_data": {"url": FRESH}}] * 2}},  # which of the two?
            {"attachments": {"data": [{"video_data": {"url": FRESH}}]}},
            {"attachments": {"data": [{"image_data": {"url": "javascript:alert(1)"}}]}},
            {"attachments": {"data": [{"image_data": {}}, {}, "x"]}},
            {"attachments": "x", "shares": [], "story": {"mention": "x"}},
        ],
    )
    def test_without_a_fitting_link_it_stays_expired(
        self, meta: FakeMeta, message: Message, answer: dict[str, Any]
    ) -> None:
        dead_attachment(message)
        meta.answer("GET", MID, answer)
        refresh_media(message_id=message.pk)
        assert links_now() == [f"{OLD}0"]
        assert Attachment.objects.get().expired_at == NOON

    @pytest.mark.parametrize("code", [9000001, 100, 190, 10, 200, 4711])
    def test_a_refusal_changes_nothing(self, meta: FakeMeta, message: Message, code: int) -> None:
        dead_attachment(message)
        meta.answer("GET", MID, {"error": {"message": "No.", "code": code}}, status=400)
        refresh_media(message_id=message.pk)
        assert Attachment.objects.get().expired_at == NOON
        assert ConnectedAccount.objects.get().status == "connected"

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"error": {"message": "Slow down.", "code": 613}}, 400),
            (b"<html>", 500),
            (requests.exceptions.ConnectTimeout(), 200),
        ],
    )
    def test_passing_trouble_is_raised_so_that_it_is_tried_again(
        self, meta: FakeMeta, message: Message, body: Any, status: int
    ) -> None:
        dead_attachment(message)
        meta.answer("GET", MID, body, status=status)
        with pytest.raises(GraphError):
            refresh_media(message_id=message.pk)

    def test_an_unusable_token_is_left_in_peace(
        self, meta: FakeMeta, message: Message, settings: Settings
    ) -> None:
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        refresh_media(message_id=message.pk)
        ConnectedAccount.objects.update(access_token="")
        refresh_media(message_id=message.pk)
        assert meta.calls() == []

    def test_no_such_message_or_an_unsent_one_asks_nobody(
        self, meta: FakeMeta, message: Message
    ) -> None:
        refresh_media(message_id=message.pk + 1)
        Message.objects.update(unsent_at=NOON)
        refresh_media(message_id=message.pk)
        Message.objects.update(unsent_at=None, mid=None)
        refresh_media(message_id=message.pk)
        assert meta.calls() == []

    def test_an_unsend_while_meta_answers_keeps_the_link_away(
        self, meta: FakeMeta, message: Message
    ) -> None:
        dead_attachment(message, url="")

        def unsend(_request: Any) -> tuple[int, dict[str, str], str]:
            Message.objects.update(unsent_at=timezone.now())
            return (
                200,
                {},
                f'{{"attachments": {{"data": [{{"image_data": {{"url": "{FRESH}"}}}}]}}}}',
            )

        meta._mock.add_callback("GET", f"https://graph.facebook.com/v26.0/{MID}", unsend)
        refresh_media(message_id=message.pk)
        assert links_now() == [""]

    def test_an_id_that_cannot_be_metas_is_not_asked_for(
        self, meta: FakeMeta, message: Message
    ) -> None:
        Message.objects.update(mid="../me?x=")
        refresh_media(message_id=message.pk)
        assert meta.calls() == []


def test_from_the_dead_link_to_the_fresh_one(
    meta: FakeMeta, message: Message, settings: Settings
) -> None:
    with media_host(answer(b"", "410 Gone")) as host:
        settings.INSTAGRAM_MEDIA_HOSTS = [host.entry]
        attachment = attachment_of(message, url=host.url())
        assert way(attachment) == Way.EXPIRED
    meta.answer("GET", MID, {"attachments": {"data": [{"image_data": {"url": FRESH}}]}})
    assert run_next_job() is True
    assert Job.objects.get().state == "done"
    assert Attachment.objects.get().url == FRESH
    assert Attachment.objects.get().expired_at is None


def test_a_busy_meta_is_asked_again_later(meta: FakeMeta, message: Message) -> None:
    dead_attachment(message)
    meta.answer("GET", MID, {"error": {"message": "Slow down.", "code": 4}}, status=400)
    with pytest.raises(GraphRefusedError):
        refresh_media(message_id=message.pk)
