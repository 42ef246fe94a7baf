"""What a colleague does in such a project, door by door; tells what each answered, as JSON."""

import json
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import BaseCommand, call_command
from django.test import Client
from django.test.utils import setup_test_environment
from django.utils import timezone

from social_integrations.selectors import feed_start
from social_integrations.services.conversations import set_status
from social_integrations.services.doctor.rows import Level, judge
from social_integrations.services.doctor.settings_rows import CHECKS, gather
from social_integrations.tests.factories import make_conversation, make_message

API, PASSWORD = "/api/social/instagram", "correct horse battery"


class Command(BaseCommand):
    def handle(self, **_options: Any) -> None:
        setup_test_environment()
        call_command("migrate", run_syncdb=True, verbosity=0)
        self.stdout.write(json.dumps(_visit()))


def _visit() -> dict[str, Any]:
    nino, luka = (_agent(name) for name in ("nino", "luka"))
    conversation = make_conversation()
    make_message(conversation=conversation, sent_at=timezone.now(), text="Any boots left?")
    answer = Client().post("/api/auth/token/", {"email": nino.email, "password": PASSWORD}).json()
    return {
        **_by_api(answer["access"], conversation, luka),
        **_by_inbox(nino, conversation, luka),
        "documented": f"{API}/updates/" in Client().get("/api/schema/").json()["paths"],
        "doctor": [row.code for row in judge(CHECKS, gather()) if row.level == Level.GREY],
    }


def _by_api(token: str, conversation: Any, luka: Any) -> dict[str, Any]:
    caller = Client(headers={"authorization": f"Bearer {token}"})
    status = caller.get(f"{API}/connection/status/")
    again = caller.get(f"{API}/connection/status/", headers={"if-none-match": status["ETag"]})
    cursor = feed_start()
    quiet = caller.get(f"{API}/updates/", {"after": cursor})
    address = f"{API}/conversations/{conversation.pk}/"
    change = json.dumps({"assigned_to": str(luka.pk)})
    changed = caller.patch(address, change, content_type="application/json")
    told = caller.get(f"{API}/updates/", {"after": cursor})
    return {
        "status again": again.status_code,
        "nothing new": quiet.status_code,
        "assigned": changed.json()["assigned_to"] == str(luka.pk),
        "told": [one["assigned_to"] == str(luka.pk) for one in told.json()["conversations"]],
    }


def _by_inbox(nino: Any, conversation: Any, luka: Any) -> dict[str, Any]:
    browser = Client()
    browser.force_login(nino)
    cursor = feed_start()
    set_status(conversation_id=conversation.pk, status="closed")
    page = browser.get(f"/inbox/{conversation.pk}/")
    news = browser.get("/inbox/updates/", {"after": cursor})
    given = browser.post(f"/inbox/{conversation.pk}/assign/", {"to": str(nino.pk)})
    conversation.refresh_from_db()
    return {
        "page": page.status_code,
        "names colleagues": f'value="{luka.pk}"' in page.text,
        "news": news.status_code,
        "given": (given.status_code, conversation.assigned_to_id == nino.pk),
    }


def _agent(name: str) -> Any:
    manager: Any = get_user_model()._default_manager
    person = manager.create_user(f"{name}@guest.example", PASSWORD)
    person.groups.add(Group.objects.get(name="Instagram managers"))
    return person
