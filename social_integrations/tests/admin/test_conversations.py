"""Conversations read as threads; erasing a person asks first and leaves no trace of them."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from social_integrations.models import Attachment, Contact, Conversation, Message, Reaction
from social_integrations.tests.factories import (
    NOON,
    make_attachment,
    make_contact,
    make_conversation,
    make_event,
    make_message,
    make_staff,
    make_superuser,
    make_upload,
)

pytestmark = pytest.mark.django_db

CONVERSATIONS = "/admin/social_integrations/conversation/"
CONTACTS = "/admin/social_integrations/contact/"


def page_of(client: Client, conversation: Conversation) -> str:
    return client.get(f"{CONVERSATIONS}{conversation.pk}/change/").text


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(make_staff("view_conversation"))
    return client


def test_thread_is_in_order_with_days_sides_and_sources(reader: Client) -> None:
    conversation = make_conversation(contact=make_contact(name="Customer One"))
    make_message(conversation=conversation, text="second", sent_at=NOON + timedelta(days=1))
    make_message(conversation=conversation, text="first", sent_at=NOON)
    make_message(
        conversation=conversation,
        text="third",
        sent_at=NOON + timedelta(days=1, minutes=5),
        direction="outbound",
        source="instagram_app",
        status="seen",
    )
    page = page_of(reader, conversation)
    places = [page.index(words) for words in (
        "Sunday, 22 November 2026", "first", "Monday, 23 November 2026", ">second<", ">third<"
    )]  # fmt: skip
    assert places == sorted(places)
    assert page.count("ig-bubble ig-in") == 2
    assert page.count("ig-bubble ig-out") == 1
    assert "Instagram app" in page
    assert "Customer One" in page
    assert "Seen" in page


def test_other_peoples_messages_stay_out(reader: Client) -> None:
    make_message(text="not for this page")
    assert "not for this page" not in page_of(reader, make_conversation())


def test_only_the_last_200_with_a_note(reader: Client) -> None:
    conversation = make_conversation()
    template = make_message(conversation=conversation, text="number 0", mid=None)
    Message.objects.bulk_create(
        Message(
            account=template.account, conversation=conversation, direction="inbound",
            source="customer", kind="text", text=f"number {n}.",
            sent_at=NOON + timedelta(minutes=n), received_at=NOON,
        )
        for n in range(1, 201)
    )  # fmt: skip
    with CaptureQueriesContext(connection) as queries:
        page = page_of(reader, conversation)
    assert page.count('class="ig-bubble') == 200
    assert "The last 200 messages" in page
    assert "number 0<" not in page
    assert "number 200." in page
    assert len(queries) < 15
    older = f"/admin/social_integrations/message/?conversation__id__exact={conversation.pk}"
    assert f'href="{older}"' in page
    reader.force_login(make_superuser())
    assert reader.get(older).context["cl"].result_count == 201
    template.delete()
    assert "The last 200" not in page_of(reader, conversation)


def test_attachments_are_links_and_nothing_is_loaded(reader: Client) -> None:
    message = make_message(text="")
    urls = ["https://cdn.example/a.jpg?sig=1&b=2", "javascript:alert(1)", "https://old.example/x"]
    rows = [
        make_attachment(message, url=url, position=position) for position, url in enumerate(urls)
    ]
    Attachment.objects.filter(pk=rows[2].pk).update(expired_at=NOON)
    kept = make_attachment(message, url="", file="instagram/copy.png", position=3)
    page = page_of(reader, message.conversation)
    for row in (rows[0], rows[2], kept):
        assert f'href="/api/social/instagram/media/{row.pk}/"' in page
    assert f"/media/{rows[1].pk}/" not in page
    assert 'rel="noopener noreferrer nofollow"' in page
    assert '<span class="ig-host">cdn.example</span>' in page
    assert "javascript:alert" not in page
    assert "no usable link" in page
    assert "expired at Instagram" in page
    assert "://" not in page.split('class="ig-thread"')[1].split("</section>")[0]  # nor elsewhere
    assert "instagram/copy.png" not in page
    for tag in ("<img", "<video", "<audio", "<iframe", "<object"):
        assert tag not in page.split('class="ig-thread"')[1]


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ({"unsent_at": NOON, "text": ""}, "Unsent by its sender"),
        (
            {"text": "", "kind": "unsupported"},
            "Nothing to show here (unsupported); open it in Instagram",
        ),
        ({"story": {"id": "1"}}, "Reply to a story"),
        ({"postback": {"title": "x"}}, "Tapped this button"),
        ({"quick_reply_payload": "YES"}, "Tapped a quick reply"),
        ({"referral": {"ad_id": "1"}}, "Came through an ad"),
        ({"edits": 2, "edited_at": NOON}, "Edited 12:00"),
        ({"direction": "outbound", "status": "failed", "error_text": "Late"}, "Failed: Late"),
    ],
)
def test_what_happened_to_a_message_is_said(
    reader: Client, values: dict[str, object], note: str
) -> None:
    page = page_of(reader, make_message(**values).conversation)
    assert note in page
    assert ("ig-failed" in page) is (values.get("status") == "failed")


def test_replies_quote_and_reactions_show(reader: Client) -> None:
    question = make_message(text="What does it cost?", mid="m-1")
    answer = make_message(conversation=question.conversation, text="Ten", reply_to_mid="m-1")
    Reaction.objects.create(message=answer, actor_id="1", emoji="❤️")
    Reaction.objects.create(message=answer, actor_id="2", emoji="😡", removed_at=NOON)
    page = page_of(reader, question.conversation)
    assert '<blockquote dir="auto">What does it cost?</blockquote>' in page
    assert "❤️" in page
    assert "😡" not in page


def test_hostile_content_is_text(reader: Client) -> None:
    harm = "</div><script>alert(1)</script><img src=x onerror=alert(1)>\u202e{{ 7|add:1 }}"
    contact = make_contact(name=harm[:200], username="<script>alert(2)</script>")
    conversation = make_conversation(contact=contact)
    message = make_message(
        conversation=conversation, text=harm + "x" * 100_000, kind="<b>", error_text=harm
    )
    make_attachment(message, type="<script>alert(3)", title=harm, url='https://e.example/"><b>')
    Reaction.objects.create(message=message, actor_id="1", emoji="<script>alert(4)")
    page = page_of(reader, conversation)
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert '"><b>' not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "⟨U+202E⟩" in page
    assert len(page) < 100_000


def test_empty_conversation(reader: Client) -> None:
    assert "No messages yet" in page_of(reader, make_conversation())


def test_status_is_all_that_can_be_changed(client: Client) -> None:
    conversation = make_conversation()
    person = conversation.contact_id
    client.force_login(make_staff("change_conversation"))
    response = client.post(
        f"{CONVERSATIONS}{conversation.pk}/change/",
        {"status": "closed", "contact": "1", "thread_owner": "me", "assigned_to": "1"},
    )
    assert response.status_code == 302
    conversation.refresh_from_db()
    assert (conversation.status, conversation.contact_id) == ("closed", person)
    assert (conversation.thread_owner, conversation.assigned_to) == ("", None)
    history = client.get(f"{CONVERSATIONS}{conversation.pk}/history/").content.decode()
    assert "Changed Status." in history


@pytest.mark.parametrize("needle", ["find-me", "Find Me", "778899"])
def test_people_are_found_by_username_name_and_id(client: Client, needle: str) -> None:
    wanted = make_contact(username="find-me", name="Find Me", igsid="778899")
    make_contact(username="another")
    client.force_login(make_staff("view_contact"))
    found = client.get(CONTACTS, {"q": needle}).context["cl"].queryset
    assert [row.pk for row in found] == [wanted.pk]


def erase(client: Client, *contacts: Contact, **extra: str) -> str:
    data = {"action": "erase", "_selected_action": [c.pk for c in contacts], **extra}
    return client.post(CONTACTS, data, follow=True).text


def test_erasing_asks_first(client: Client) -> None:
    message = make_message()
    contact = message.conversation.contact
    client.force_login(make_staff("change_contact"))
    page = erase(client, contact)
    assert "It cannot be undone" in page
    assert "1 message" in page
    assert f'name="_selected_action" value="{contact.pk}"' in page
    assert Contact.objects.filter(pk=contact.pk).exists()
    assert not LogEntry.objects.exists()


def test_erasing_removes_everything_and_logs_no_name(client: Client) -> None:
    contact = make_contact(name="Very Private Person")
    make_message(conversation=make_conversation(contact=contact), text="very private words")
    make_event(
        instagram_account_id=contact.account.instagram_account_id, contact_igsid=contact.igsid
    )
    stays = make_message()
    client.force_login(make_staff("change_contact"))
    page = erase(client, contact, post="yes")
    assert "Erased everything kept about 1 person." in page
    assert not Contact.objects.filter(pk=contact.pk).exists()
    assert list(Message.objects.all()) == [stays]
    entry = LogEntry.objects.get()
    assert entry.object_repr == f"contact {contact.pk}"
    assert "rivate" not in f"{entry.object_repr}{entry.change_message}"


def test_view_permission_does_not_erase(client: Client) -> None:
    contact = make_contact()
    client.force_login(make_staff("view_contact"))
    erase(client, contact, post="yes")
    assert Contact.objects.filter(pk=contact.pk).exists()


def test_contact_page_leads_to_the_thread(client: Client) -> None:
    conversation = make_conversation()
    client.force_login(make_superuser())
    page = client.get(f"{CONTACTS}{conversation.contact_id}/change/").text
    assert f"{CONVERSATIONS}{conversation.pk}/change/" in page
    alone = make_contact(profile_picture_url="javascript:alert(1)")
    page = client.get(f"{CONTACTS}{alone.pk}/change/").text
    assert "not a web link" in page
    assert "javascript:alert" not in page


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("ig_post", "Shared post"),
        ("story_mention", "Mention in a story"),
        ("like_heart", "❤️<"),
        ("ephemeral", "Picture or video that disappears"),
        ("hologram", "hologram"),
    ],
)
def test_attachments_are_named_in_words(reader: Client, kind: str, words: str) -> None:
    message = make_message(text="")
    make_attachment(message, type=kind, url="")
    assert words in page_of(reader, message.conversation)


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("image", "no usable link"),
        ("ephemeral", "open it in Instagram"),
        ("hologram", "open it in Instagram"),
        ("like_heart", ""),
    ],
)
def test_what_has_no_link_says_where_to_look(reader: Client, kind: str, hint: str) -> None:
    message = make_message(text="")
    make_attachment(message, type=kind, url="")
    page = page_of(reader, message.conversation)
    for words in ("no usable link", "open it in Instagram"):
        assert (f"({words})" in page) is (words == hint)


def test_a_file_staff_sent_is_a_link_as_well(reader: Client) -> None:
    message = make_message(direction="outbound", source="crm", text="")
    upload = make_upload(account=message.account)
    make_attachment(message, upload=upload, url="")
    page = page_of(reader, message.conversation)
    assert f'href="/api/social/instagram/uploads/{upload.pk}/"' in page
    assert "no usable link" not in page


def test_closing_here_closes_as_in_the_inbox(client: Client) -> None:
    conversation = make_conversation()
    client.force_login(make_superuser())
    page = f"/admin/social_integrations/conversation/{conversation.pk}/change/"
    client.post(page, {"status": "closed"})
    conversation.refresh_from_db()
    assert (conversation.status, conversation.closed_at is not None) == ("closed", True)
    changed_at = conversation.changed_at
    assert changed_at is not None
    client.post(page, {"status": "open"})
    conversation.refresh_from_db()
    assert (conversation.status, conversation.closed_at) == ("open", None)
    assert conversation.changed_at is not None
    assert conversation.changed_at > changed_at


def test_it_says_whether_it_may_be_answered(client: Client) -> None:
    client.force_login(make_superuser())
    page = "/admin/social_integrations/conversation/{}/change/"
    fresh = make_conversation(last_inbound_at=timezone.now())
    text = client.get(page.format(fresh.pk)).text
    assert "Instagram allows an answer now (until " in text
    old = make_conversation(last_inbound_at=timezone.now() - timedelta(days=2))
    text = client.get(page.format(old.pk)).text
    assert "More than 24 hours have passed" in text
    assert "(until " not in text
