"""An export holds everything about one person and nothing about another."""

import json
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.serializers.json import DjangoJSONEncoder

from social_integrations.models import Contact, MessageEdit, PrivateReply, Reaction
from social_integrations.services.exporting import export_contact
from social_integrations.services.inventory import STORES
from social_integrations.tests.factories import (
    NOON,
    make_account,
    make_attachment,
    make_contact,
    make_conversation,
    make_event,
    make_job,
    make_message,
    make_note,
    make_upload,
    make_user,
)

pytestmark = pytest.mark.django_db

IGSID = "1020304050607080"


def seed(contact: Contact, word: str) -> None:
    account = contact.account.instagram_account_id
    event = make_event(
        instagram_account_id=account, contact_igsid=contact.igsid, payload={"t": word}
    )
    message = make_message(
        conversation=make_conversation(contact=contact), text=word, ledger_keys=[event.event_key]
    )
    upload = make_upload(account=contact.account, name=word, uploaded_by=make_user())
    attachment = make_attachment(message, title=word, upload=upload)
    attachment.file.save("a.jpg", ContentFile(b"x"))
    MessageEdit.objects.create(message=message, number=1, text=word, edited_at=NOON)
    Reaction.objects.create(message=message, actor_id=contact.igsid, emoji=word)
    PrivateReply.objects.create(
        account=contact.account, comment_id=word, text=word, message=message
    )
    make_note(conversation=message.conversation, text=word, author=make_user())
    make_job(payload={"contact": contact.pk})


def export(contact: Contact) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        json.dumps(export_contact(contact_id=contact.pk), cls=DjangoJSONEncoder)
    )
    return found


def test_everything_of_the_person_is_in_it() -> None:
    contact = make_contact(igsid=IGSID, name="mine", crm_reference="crm-7")
    seed(contact, "mine")
    held = export(contact)["held"]
    assert set(held) == {
        store.model._meta.model_name for store in STORES if store.model and store.find
    }
    assert all(len(rows) == 1 for rows in held.values()), held
    assert held["contact"][0]["crm_reference"] == "crm-7"
    assert held["message"][0]["text"] == "mine"
    assert held["webhookevent"][0]["payload"] == {"t": "mine"}
    assert held["attachment"][0]["file"].startswith("instagram/")
    assert held["upload"][0]["file"].startswith("instagram/sent/")


def test_nobody_else_is_in_it() -> None:
    account = make_account(access_token="token-nobody-sees")
    contact = make_contact(account=account, igsid=IGSID)
    seed(contact, "mine")
    seed(make_contact(account=account, name="theirs"), "theirs")
    seed(make_contact(igsid=IGSID, name="theirs"), "theirs")  # the same id at another account
    staff = make_user(username="theirs")
    contact.conversation.messages.update(sent_by=staff)
    contact.conversation.assigned_to = staff
    contact.conversation.save()
    raw = f'{{"id":"{IGSID}"}},{{"id":"77","text":"theirs"}}'
    make_event(wrapper="body", kind="unknown", instagram_account_id="", payload={"raw": raw})
    found = export(contact)
    text = json.dumps(found)
    assert "theirs" not in text
    assert "token" not in text
    assert "sent_by" not in text
    assert "assigned_to" not in text
    assert "uploaded_by" not in text
    assert "author" not in found["held"]["note"][0]
    assert found["ledger_items_shared_with_others"] == 1
