"""The examples of docs/api.md: each is called as it stands there, and works."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from social_integrations.models import ConnectedAccount
from social_integrations.tests.api.calls import BASE, call, make_agent
from social_integrations.tests.api.test_messages import PNG
from social_integrations.tests.factories import make_contact, make_conversation, make_message

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
BLOCKS = re.findall(r"```bash\n(.*?)```", PAGE.read_text(), re.DOTALL)
EXAMPLES = [
    line for block in BLOCKS for line in block.replace("\\\n", " ").splitlines() if line.strip()
]
OURS = [line for line in EXAMPLES if "$API" in line]


def option(words: list[str], name: str, default: str = "") -> str:
    return words[words.index(name) + 1] if name in words else default


def test_every_address_of_conversations_has_an_example() -> None:
    assert len(OURS) > 15
    assert len(EXAMPLES) == len(OURS) + 1


@pytest.mark.parametrize("line", OURS)
def test_an_example_works(line: str) -> None:
    user = make_agent()
    account = ConnectedAccount.objects.create(
        pk=1, instagram_account_id="17841400000000001", connected_at=timezone.now()
    )
    now = timezone.now()
    thread = make_conversation(
        pk=3, contact=make_contact(account=account), last_message_at=now, last_inbound_at=now
    )
    make_message(pk=7, conversation=thread, sent_at=now)
    cursor = call(user, "GET", "updates/").json()["cursor"]
    words = shlex.split(line.replace("$API/", BASE).replace("$CURSOR", cursor))
    address = next(word for word in words if word.startswith(BASE))
    body: dict[str, Any] = {}
    if "-d" in words:
        body = {"body": json.loads(option(words, "-d"))}
    if "-F" in words:
        body = {"data": {"file": SimpleUploadedFile("boots.png", PNG)}}
    answer = call(user, option(words, "-X", "GET"), address, **body)
    assert answer.status_code < 300, answer.content
    assert "Authorization: Bearer $TOKEN" in words
