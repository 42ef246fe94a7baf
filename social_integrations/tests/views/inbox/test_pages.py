"""The inbox's pages: who gets in, what they show, and that opening them changes nothing."""

import pytest
from django.test import Client

from social_integrations.tests.factories import make_conversation, make_message, make_staff

pytestmark = pytest.mark.django_db

READER = ("view_conversation", "view_message", "view_connectedaccount")


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(make_staff(*READER))
    return client


class TestThread:
    def test_a_text_is_shown(self, reader: Client) -> None:
        conversation = make_conversation()
        make_message(conversation=conversation, text="Is it <b>blue</b>?")
        for path in ("/inbox/", f"/inbox/{conversation.pk}/"):
            page = reader.get(path)
            assert page.status_code == 200
            assert "Is it &lt;b&gt;blue&lt;/b&gt;?" in page.text
