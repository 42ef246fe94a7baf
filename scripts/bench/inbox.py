"""How long the inbox's lists and threads take on the server, with little stored and with much.

Run by `.venv/bin/python scripts/bench inbox`; each size has its own database.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - Django must be set up first
from django.contrib.auth.models import Permission  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext, override_settings  # noqa: E402

from social_integrations.api.tokens import AccessToken  # noqa: E402
from social_integrations.models import Conversation  # noqa: E402

API = "/api/social/instagram"
INBOX = "/inbox/"
AGENT = "agent1"
# Nobody has to collect static files first.
PLAIN_STATIC = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CALLS = 100
WARM = 8
AGENTS = 50
RIGHTS = (
    "view_connectedaccount",
    "view_conversation",
    "view_message",
    "add_message",
    "change_conversation",
)
ACCOUNTS = """
INSERT INTO social_integrations_connectedaccount (instagram_account_id, app_scoped_id, login,
    username, name, profile_picture_url, page_id, page_name, meta_user_id, access_token,
    granted_scopes, status, status_reason, connected_at, webhook_subscribed_at)
SELECT (17841400000000000 + n)::text, '', 'facebook', 'shop' || n, 'Shop ' || n, '', '', '', '', '',
    '[]', 'connected', '', now(), now() FROM generate_series(1, 3) n
"""
# Six in ten write to the first account, one in twenty to the last.
PEOPLE = """
INSERT INTO social_integrations_contact (account_id, igsid, username, name, profile_picture_url,
    profile_state, crm_reference)
SELECT accounts.ids[CASE WHEN mod(n, 20) < 12 THEN 1 WHEN mod(n, 20) < 19 THEN 2 ELSE 3 END],
    (1020304050000000 + n)::text, 'user_' || substr(md5(n::text), 1, 8),
    initcap(substr(md5('first' || mod(n, 1000)), 1, 6) || ' ' || substr(md5('l' || n), 1, 8)),
    '', 'fetched', CASE WHEN mod(n, 3) = 0 THEN 'lead-' || n ELSE '' END
FROM generate_series(1, %s) n,
    (SELECT array_agg(id ORDER BY id) AS ids FROM social_integrations_connectedaccount) accounts
"""
THREADS = """
INSERT INTO social_integrations_conversation (contact_id, status, thread_owner, assigned_to_id)
SELECT id, CASE WHEN mod(id, 10) < 3 THEN 'open' ELSE 'closed' END, '',
    CASE WHEN mod(id, 10) < 4 THEN users.ids[1 + mod(id / 10, users.many)] END
FROM social_integrations_contact,
    (SELECT array_agg(id) AS ids, count(*)::int AS many FROM auth_user) users
"""
# A fifth of the messages is in a hundredth of the threads. A few words are in most texts, most
# words in few. One in three messages is an answer.
MESSAGES = """
INSERT INTO social_integrations_message (account_id, conversation_id, mid, origin, ledger_keys,
    direction, source, kind, text, original_text, sent_at, received_at, reply_to_mid,
    quick_reply_payload, edits, status, error_code, error_text, tag)
SELECT threads.account_id, threads.id, 'aWdfZAG1' || repeat(md5(n::text), 5), '1' || md5(n::text),
    '[]', CASE WHEN mod(n, 3) = 0 THEN 'outbound' ELSE 'inbound' END,
    CASE WHEN mod(n, 3) = 0 THEN 'instagram_app' ELSE 'customer' END, 'text',
    (SELECT string_agg('word' || (5000 * power(random(), 4))::int + 0 * place, ' ')
        FROM generate_series(1, 12) place WHERE n > 0), '',
    now() - n * interval '20 seconds', now(), '', '', 0, 'received', '', '', ''
FROM generate_series(1, %s) n
JOIN (SELECT thread.id, account_id, row_number() OVER () AS place
    FROM social_integrations_conversation thread JOIN social_integrations_contact contact
    ON contact.id = contact_id) threads
ON threads.place = 1
    + CASE WHEN mod(n, 5) = 0 THEN mod(n / 5, greatest(%s / 100, 1)) ELSE mod(n, %s) END
"""
CLOCKS = """
UPDATE social_integrations_conversation SET last_message_at = newest.at, changed_at = newest.at,
    last_inbound_at = newest.inbound_at,
    staff_read_at = CASE WHEN mod(id, 10) > 0 THEN newest.at END
FROM (SELECT conversation_id, max(sent_at) AS at,
        max(sent_at) FILTER (WHERE direction = 'inbound') AS inbound_at
    FROM social_integrations_message GROUP BY 1) newest
WHERE conversation_id = id
"""


def fill(conversations: int, messages: int) -> str:
    """Store so much, and people who answer; return the token of one of them."""
    call_command("migrate", verbosity=0)
    users: Any = get_user_model().objects
    users.bulk_create(get_user_model()(username=f"agent{number}") for number in range(AGENTS))
    agent = users.get(username=AGENT)
    agent.user_permissions.set(Permission.objects.filter(codename__in=RIGHTS))
    with connection.cursor() as cursor:
        cursor.execute(ACCOUNTS)
        cursor.execute(PEOPLE, [conversations])
        cursor.execute(THREADS)
        cursor.execute(MESSAGES, [messages, conversations, conversations])
        cursor.execute(CLOCKS)
        cursor.execute("VACUUM ANALYZE")
    token = AccessToken.for_user(agent)
    token.set_exp(lifetime=timedelta(hours=3))
    return str(token)


class Agent:
    """Somebody who calls the API, and opens the inbox's pages, inside this process."""

    def __init__(self, token: str) -> None:
        self.client, self.token = Client(), token
        self.client.force_login(get_user_model().objects.get(username=AGENT))
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(self, path: str) -> Any:
        """Return the JSON of an answer; None where it has none.

        Behind a `#` stands the part of a page a script asks for.
        """
        cache.clear()  # the throttle's counters
        is_page = path.startswith(INBOX)
        path, _, part = path.partition("#")
        headers = self.headers | ({"HX-Request": "true", "HX-Target": part} if part else {})
        answer = self.client.get(path if is_page else API + path, headers=headers)
        if answer.status_code not in (200, 204):
            sys.exit(f"{path}: {answer.status_code} {answer.content[:200]!r}")
        return answer.json() if answer.content and not is_page else None


def calls(agent: Agent) -> Iterator[tuple[str, list[str]]]:
    """Yield what is measured: a name, and addresses to take turns."""
    newest = Conversation.objects.order_by("-last_message_at").values_list("pk", flat=True)
    threads = list(newest[:50])
    accounts = [row["id"] for row in agent.ask("/accounts/")["accounts"]]
    deep = ""
    for _ in range(20):
        page = agent.ask(f"/conversations/?limit=100&cursor={deep}")
        deep = page["next_cursor"] or deep
    yield "list", ["/conversations/"]
    yield "list, page 80", [f"/conversations/?cursor={deep}"]
    yield "list, one account", [f"/conversations/?account={pk}" for pk in accounts]
    yield "list, open", ["/conversations/?status=open"]
    yield "list, mine and open", ["/conversations/?assigned_to=me&status=open"]
    yield "list, nobody's", ["/conversations/?assigned_to=none"]
    yield "list, unread", ["/conversations/?unread=true"]
    search = "/conversations/?search="
    yield "search, a name", [f"{search}{part}" for part in ("ab1", "cafe", "user_7f")]
    yield "search, a rare word", [f"{search}word{number}" for number in (4711, 3456, 4999)]
    yield "search, a common word", [f"{search}word{number}" for number in (0, 1, 7)]
    yield "thread", [f"/conversations/{pk}/messages/" for pk in threads]
    yield "one conversation", [f"/conversations/{pk}/" for pk in threads]
    yield "the inbox's page: list", [INBOX]
    yield "the inbox's page: thread", [f"{INBOX}{pk}/#si-thread" for pk in threads]
    yield "the inbox's page: list and thread", [f"{INBOX}{pk}/" for pk in threads]
    yield "updates, nothing new", [f"/updates/?after={agent.ask('/updates/')['cursor']}"]


def measure(agent: Agent, paths: list[str]) -> tuple[float, float, int]:
    """Return median and 95th percentile in milliseconds, and the number of statements."""
    for path in islice(cycle(paths), WARM):
        agent.ask(path)
    times = []
    for path in islice(cycle(paths), CALLS):
        started = time.perf_counter()
        agent.ask(path)
        times.append((time.perf_counter() - started) * 1000)
    with CaptureQueriesContext(connection) as captured:
        agent.ask(paths[0])
    return statistics.median(times), sorted(times)[int(CALLS * 0.95)], len(captured)


@override_settings(ALLOWED_HOSTS=["testserver"], STORAGES=PLAIN_STATIC)
def main(conversations: int, messages: int) -> None:
    """Print a line for each kind of call: name, median, p95, statements; tab-separated.

    The last line is an address to poll, and a token for it.
    """
    agent = Agent(fill(conversations, messages))
    for name, paths in calls(agent):
        median, late, statements = measure(agent, paths)
        print(f"{name}\t{median:.1f}\t{late:.1f}\t{statements}", flush=True)
    print(f"{API}{paths[0]}\t{agent.token}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
