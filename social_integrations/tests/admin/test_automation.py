"""Ice breakers, menus and away messages: written in forms, checked in words, sent on request."""

from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client

from social_integrations.models import (
    AwayMessage,
    ConnectedAccount,
    IceBreaker,
    Job,
    MenuEntry,
    MessengerProfile,
    OpeningHours,
)
from social_integrations.tests.factories import (
    make_account,
    make_away_message,
    make_messenger_profile,
    make_staff,
    make_superuser,
)

pytestmark = pytest.mark.django_db

PROFILES = "/admin/social_integrations/messengerprofile/"
AWAY = "/admin/social_integrations/awaymessage/"
EMPTY: dict[str, Any] = {}


def rows(prefix: str, *values: dict[str, Any]) -> dict[str, Any]:
    """Return the form data of an inline."""
    data = {f"{prefix}-TOTAL_FORMS": len(values), f"{prefix}-INITIAL_FORMS": 0}
    for number, row in enumerate(values):
        data |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return data


def question(text: str = "Hours?", locale: str = "default", **more: Any) -> dict[str, Any]:
    return {"locale": locale, "position": 1, "question": text, "payload": "HOURS", **more}


def entry(title: str = "Agent", **more: Any) -> dict[str, Any]:
    defaults = {"locale": "default", "position": 1, "type": "postback", "payload": "A", "url": ""}
    return {"title": title, **defaults, **more}


def profile_form(
    account: ConnectedAccount, *parts: dict[str, Any], send: bool = False
) -> dict[str, Any]:
    data: dict[str, Any] = {"account": account.pk, "_send" if send else "_save": "Save"}
    data |= rows("ice_breakers") | rows("menu_entries")
    for part in parts:
        data |= part
    return data


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_superuser())
    return client


class TestProfiles:
    def test_it_is_written_in_rows_and_sent_on_request(self, staff: Client) -> None:
        account = make_account(username="<b>shop")
        form = profile_form(
            account,
            rows("ice_breakers", question(), question("როდის?", "ka_GE")),
            rows("menu_entries", entry(), entry("Shop", type="web_url", url="https://s.example/")),
            send=True,
        )
        page = staff.post(f"{PROFILES}add/", form, follow=True).text
        profile = MessengerProfile.objects.get()
        assert [row["locale"] for row in profile.content["ice_breakers"]] == ["default", "ka_GE"]
        assert profile.content["persistent_menu"] == [
            {
                "locale": "default",
                "call_to_actions": [
                    {"type": "postback", "title": "Agent", "payload": "A"},
                    {"type": "web_url", "title": "Shop", "url": "https://s.example/"},
                ],
            }
        ]
        assert profile.state == "wanted"
        job = Job.objects.get()
        assert (job.name, job.payload["profile"]) == ("push_messenger_profile", profile.pk)
        assert "in the background" in page
        assert "Waiting to be sent" in page
        assert "<b>shop" not in page

    def test_saving_alone_sends_nothing(self, staff: Client) -> None:
        form = profile_form(make_account(), rows("ice_breakers", question()))
        staff.post(f"{PROFILES}add/", form)
        assert MessengerProfile.objects.get().state == "draft"
        assert not Job.objects.exists()

    @pytest.mark.parametrize(
        ("part", "words"),
        [
            (rows("ice_breakers", *[question(f"Q{n}") for n in range(5)]), "at most 4 questions"),
            (rows("ice_breakers", question(locale="ka_GE")), "“default”"),
            (rows("menu_entries", entry(locale="ka_GE")), "“default”"),
            (rows("menu_entries", *[entry(f"E{n}") for n in range(21)]), "at most 20 menu entries"),
            (rows("ice_breakers", question("x" * 81)), "at most 80 characters"),
            (rows("menu_entries", entry("x" * 31)), "at most 30 characters"),
            (rows("ice_breakers", question(payload="x" * 1001)), "at most 1000 characters"),
            (rows("ice_breakers", question(locale="Georgian")), "ka_GE or en_US"),
            (rows("menu_entries", entry(payload="")), "what comes back with a tap"),
            (rows("menu_entries", entry(type="web_url", url="")), "Write the address"),
            (
                rows("menu_entries", entry(type="web_url", url="http://s.example/")),
                "begins with https://",
            ),
            (
                rows("menu_entries", entry(type="web_url", url="javascript:alert(1)")),
                "begins with https://",
            ),
        ],
    )
    def test_what_meta_would_refuse_is_refused_in_words(
        self, staff: Client, part: dict[str, Any], words: str
    ) -> None:
        page = staff.post(f"{PROFILES}add/", profile_form(make_account(), part, send=True))
        assert words in page.text
        assert not MessengerProfile.objects.exists()
        assert not Job.objects.exists()

    def test_four_questions_of_each_language_are_fine(self, staff: Client) -> None:
        many = [question(f"Q{n}", locale) for n in range(4) for locale in ("default", "en_US")]
        staff.post(f"{PROFILES}add/", profile_form(make_account(), rows("ice_breakers", *many)))
        assert IceBreaker.objects.count() == 8

    def test_a_deleted_row_does_not_count(self, staff: Client) -> None:
        profile = make_messenger_profile()
        first = profile.ice_breakers.get()
        MenuEntry.objects.all().delete()
        data = profile_form(profile.account)
        data |= {
            "ice_breakers-TOTAL_FORMS": 2,
            "ice_breakers-INITIAL_FORMS": 1,
            "ice_breakers-0-id": first.pk,
            "ice_breakers-0-profile": profile.pk,
            "ice_breakers-0-DELETE": "on",
            **{f"ice_breakers-0-{name}": value for name, value in question().items()},
            **{f"ice_breakers-1-{name}": value for name, value in question("New?").items()},
        }
        staff.post(f"{PROFILES}{profile.pk}/change/", data)
        assert list(profile.ice_breakers.values_list("question", flat=True)) == ["New?"]

    def test_an_account_has_one(self, staff: Client) -> None:
        taken = make_messenger_profile().account
        free = make_account(username="free")
        page = staff.get(f"{PROFILES}add/").text
        assert "@free" in page
        assert f'<option value="{taken.pk}"' not in page
        staff.post(f"{PROFILES}add/", profile_form(taken))
        assert MessengerProfile.objects.count() == 1
        assert free.pk

    def test_the_account_stays(self, staff: Client) -> None:
        profile = make_messenger_profile()
        staff.post(f"{PROFILES}{profile.pk}/change/", profile_form(make_account()))
        assert MessengerProfile.objects.get().account == profile.account

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({}, ["Never sent"]),
            ({"state": "wanted"}, ["Waiting to be sent"]),
            (
                {"state": "failed", "error_text": "It <b>said</b> no.", "error_action": "Wait."},
                ["Not sent", "It &lt;b&gt;said&lt;/b&gt; no. Wait."],
            ),
            ({"state": "pushed", "pushed": {}}, ["Changed here, not sent yet"]),
        ],
    )
    def test_the_list_says_how_it_stands(
        self, staff: Client, values: dict[str, Any], words: list[str]
    ) -> None:
        make_messenger_profile(**values)
        page = staff.get(PROFILES).text
        assert all(one in page for one in words)

    def test_it_says_whether_instagram_has_the_same(self, staff: Client) -> None:
        profile = make_messenger_profile(state="pushed")
        profile.pushed = profile.seen = profile.content
        profile.save()
        page = staff.get(f"{PROFILES}{profile.pk}/change/").text
        assert "At Instagram" in page
        assert "Question (default): When are you open?" in page
        profile.seen = {"ice_breakers": [], "persistent_menu": []}
        profile.save()
        page = staff.get(f"{PROFILES}{profile.pk}/change/").text
        assert "Differs at Instagram" in page
        assert "Nothing." in page

    def test_waiting_for_a_new_connection_is_told(self, staff: Client) -> None:
        make_messenger_profile(account=make_account(status="reauth_required"), state="wanted")
        assert "has to be connected again first" in staff.get(PROFILES).text
        ConnectedAccount.objects.update(status="disconnected")
        assert "then send this once more" in staff.get(PROFILES).text

    def test_what_instagram_says_is_text(self, staff: Client) -> None:
        harm = "<script>alert(1)</script>\u202e"
        seen = {
            "ice_breakers": [{"locale": harm, "call_to_actions": [{"question": harm}]}],
            "persistent_menu": [{"locale": "x", "call_to_actions": [{"type": "postback"}]}],
        }
        profile = make_messenger_profile(seen=seen)
        page = staff.get(f"{PROFILES}{profile.pk}/change/")
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "\u202e" not in page.text

    def test_actions_are_left_to_the_worker(self, staff: Client) -> None:
        profile = make_messenger_profile()
        for action in ("send", "compare"):
            data = {"action": action, "_selected_action": [profile.pk]}
            assert "in the background" in staff.post(PROFILES, data, follow=True).text
        names = set(Job.objects.values_list("name", flat=True))
        assert names == {"push_messenger_profile", "compare_messenger_profile"}
        assert LogEntry.objects.get().object_repr == f"ice breakers and menu {profile.pk}"

    def test_looking_is_not_sending(self, client: Client) -> None:
        profile = make_messenger_profile()
        client.force_login(make_staff("view_messengerprofile"))
        client.post(PROFILES, {"action": "send", "_selected_action": [profile.pk]})
        page = client.get(f"{PROFILES}{profile.pk}/change/").text
        assert "_send" not in page
        assert not Job.objects.exists()

    def test_what_instagram_still_shows_is_not_deleted(self, staff: Client) -> None:
        profile = make_messenger_profile()
        profile.pushed = profile.content
        profile.save()
        delete = f"{PROFILES}{profile.pk}/delete/"
        assert staff.post(delete, {"post": "yes"}).status_code == 403
        data = {"action": "delete_selected", "_selected_action": [profile.pk], "post": "yes"}
        staff.post(PROFILES, data)
        assert MessengerProfile.objects.exists()
        MessengerProfile.objects.update(pushed={"ice_breakers": [], "persistent_menu": []})
        assert staff.post(delete, {"post": "yes"}).status_code == 302
        assert not MessengerProfile.objects.exists()


def away_form(account: ConnectedAccount, **changes: Any) -> dict[str, Any]:
    hours = changes.pop("hours", [{"weekday": 0, "opens": "09:00", "closes": "18:00"}])
    values = {
        "account": account.pk,
        "enabled": "on",
        "text": "We are away. An automatic answer.",
        "time_zone": "Asia/Tbilisi",
        "cooldown_hours": 12,
        "staff_minutes": 60,
    }
    return {**values, **rows("opening_hours", *hours), "_save": "Save", **changes}


class TestAwayMessages:
    def test_it_is_written_with_its_week(self, staff: Client) -> None:
        staff.post(f"{AWAY}add/", away_form(make_account()))
        away = AwayMessage.objects.get()
        assert (away.enabled, away.time_zone) == (True, "Asia/Tbilisi")
        assert str(OpeningHours.objects.get()) == "Monday 09:00 to 18:00"

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"text": ""}, "before you switch it on"),
            ({"text": "ა" * 334}, "1,002 bytes"),
            ({"time_zone": "Mars/Olympus"}, "Select a valid choice"),
            ({"cooldown_hours": 0}, "greater than or equal to 1"),
            ({"cooldown_hours": 169}, "less than or equal to 168"),
            ({"hours": [{"weekday": 7, "opens": "09:00", "closes": "10:00"}]}, "Select a valid"),
            (
                {"hours": [{"weekday": 1, "opens": "25:00", "closes": "10:00"}]},
                "Enter a valid time",
            ),
        ],
    )
    def test_what_cannot_work_is_refused_in_words(
        self, staff: Client, changes: dict[str, Any], words: str
    ) -> None:
        assert words in staff.post(f"{AWAY}add/", away_form(make_account(), **changes)).text
        assert not AwayMessage.objects.exists()

    def test_exactly_metas_size_is_fine(self, staff: Client) -> None:
        staff.post(f"{AWAY}add/", away_form(make_account(), text="ა" * 333 + "a"))
        assert len(AwayMessage.objects.get().text.encode()) == 1000

    def test_one_that_is_off_may_be_empty(self, staff: Client) -> None:
        form = away_form(make_account(), text="", hours=[])
        del form["enabled"]
        staff.post(f"{AWAY}add/", form)
        assert not AwayMessage.objects.get().enabled

    def test_the_page_names_the_law(self, staff: Client) -> None:
        assert "automatic answer" in staff.get(f"{AWAY}add/").text

    @time_machine.travel("2026-11-23 06:00:00+00:00", tick=False)
    def test_the_list_says_what_it_would_do_now(self, staff: Client) -> None:
        week = (0, "09:00", "18:00")
        make_away_message(week, time_zone="Asia/Tbilisi")
        make_away_message(week, time_zone="Europe/Berlin")
        make_away_message(week, time_zone="UTC", enabled=False)
        make_away_message(week, time_zone="Mars/Olympus")
        page = staff.get(AWAY).text
        for words in (
            "Monday 10:00: open, nothing is answered",
            "Monday 07:00: closed, it is answered",
            "Monday 06:00: closed, but switched off",
            "no time zone",
        ):
            assert words in page

    def test_an_odd_zone_can_be_repaired(self, staff: Client) -> None:
        away = make_away_message(time_zone="Mars/Olympus")
        address = f"{AWAY}{away.pk}/change/"
        assert staff.get(address).status_code == 200
        staff.post(address, away_form(away.account, time_zone="UTC", hours=[]))
        away.refresh_from_db()
        assert away.time_zone == "UTC"
