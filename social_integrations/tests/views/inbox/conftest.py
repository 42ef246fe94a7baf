"""People who look into the inbox."""

import pytest
from django.test import Client

from social_integrations.tests.factories import make_staff

READER = ("view_conversation", "view_message", "view_connectedaccount")


@pytest.fixture
def reader(client: Client) -> Client:
    """Somebody who may read everything and change nothing."""
    client.force_login(make_staff(*READER))
    return client
