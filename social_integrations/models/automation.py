"""What Instagram or this CRM says by itself: ice breakers, a menu, and an away message."""

from typing import Any

from django.core.validators import (
    MaxValueValidator,
    MinValueValidator,
    RegexValidator,
    URLValidator,
)
from django.db import models

from .accounts import ConnectedAccount

DEFAULT_LOCALE = "default"
# Meta: four questions for each locale. The lengths are those of its Messenger reference; for
# Instagram it states none.
MAX_QUESTIONS = 4
MAX_QUESTION = 80
MAX_MENU_ENTRIES = 20
MAX_MENU_TITLE = 30
MAX_PAYLOAD = 1000

check_locale = RegexValidator(
    r"^(default|[a-z]{2,3}_[A-Z]{2})\Z", "Write “default”, or a language such as ka_GE or en_US."
)
check_url = URLValidator(
    ["https"], message="Write a whole address that begins with https://; Instagram opens no others."
)


class MessengerProfile(models.Model):
    """What Instagram offers people before they write to an account, and while they do."""

    class State(models.TextChoices):
        """How far the latest wish to tell Instagram has come."""

        DRAFT = "draft", "Never sent"
        WANTED = "wanted", "Waiting to be sent"
        PUSHED = "pushed", "Sent"
        FAILED = "failed", "Failed"

    account = models.OneToOneField(
        ConnectedAccount, models.CASCADE, related_name="messenger_profile"
    )
    state = models.CharField(max_length=16, choices=State, default=State.DRAFT, editable=False)
    wanted_at = models.DateTimeField(null=True, blank=True, editable=False)
    error_text = models.TextField(blank=True, editable=False)
    error_action = models.TextField(blank=True, editable=False, help_text="What to do about it.")
    pushed = models.JSONField(
        null=True, blank=True, editable=False, help_text="What Instagram took last."
    )
    pushed_at = models.DateTimeField("sent to Instagram", null=True, blank=True, editable=False)
    seen = models.JSONField(
        null=True, blank=True, editable=False, help_text="What Instagram said it has."
    )
    seen_at = models.DateTimeField("asked", null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "ice breakers and menu"
        verbose_name_plural = "ice breakers and menus"
        ordering = ["account"]

    def __str__(self) -> str:
        return f"Ice breakers and menu {self.pk}"

    @property
    def content(self) -> dict[str, Any]:
        """What stands here, as Meta takes it: two lists with one entry for each locale."""
        return {
            "ice_breakers": _by_locale(self.ice_breakers.all()),
            "persistent_menu": _by_locale(self.menu_entries.all()),
        }


class IceBreaker(models.Model):
    """A question Instagram offers somebody who opens the conversation; a tap is a postback."""

    profile = models.ForeignKey(MessengerProfile, models.CASCADE, related_name="ice_breakers")
    locale = models.CharField(
        "language", max_length=8, default=DEFAULT_LOCALE, validators=[check_locale]
    )
    question = models.CharField(max_length=MAX_QUESTION)
    payload = models.CharField(
        max_length=MAX_PAYLOAD, help_text="Comes back with the tap; people do not see it."
    )
    position = models.PositiveSmallIntegerField("place", default=1)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return f"Question {self.position} ({self.locale})"

    def as_json(self) -> dict[str, str]:
        """Return it as Meta takes it."""
        return {"question": self.question, "payload": self.payload}


class MenuEntry(models.Model):
    """An entry of the menu that is always there in the conversation."""

    class Type(models.TextChoices):
        """What a tap does; Meta's words."""

        POSTBACK = "postback", "Sends the payload"
        WEB_URL = "web_url", "Opens an address"

    profile = models.ForeignKey(MessengerProfile, models.CASCADE, related_name="menu_entries")
    locale = models.CharField(
        "language", max_length=8, default=DEFAULT_LOCALE, validators=[check_locale]
    )
    type = models.CharField("a tap", max_length=16, choices=Type, default=Type.POSTBACK)
    title = models.CharField(max_length=MAX_MENU_TITLE)
    payload = models.CharField(max_length=MAX_PAYLOAD, blank=True)
    url = models.CharField("address", max_length=2000, blank=True, validators=[check_url])
    position = models.PositiveSmallIntegerField("place", default=1)

    class Meta:
        verbose_name_plural = "menu entries"
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return f"Menu entry {self.position} ({self.locale})"

    def as_json(self) -> dict[str, str]:
        """Return it as Meta takes it."""
        action = "url" if self.type == self.Type.WEB_URL else "payload"
        return {"type": self.type, "title": self.title, action: getattr(self, action)}


def _by_locale(entries: Any) -> list[dict[str, Any]]:
    """Group entries by their locale, `default` first, which Meta requires."""
    found: dict[str, list[dict[str, str]]] = {}
    for entry in entries:
        found.setdefault(entry.locale, []).append(entry.as_json())
    order = sorted(found, key=lambda locale: (locale != DEFAULT_LOCALE, locale))
    return [{"locale": locale, "call_to_actions": found[locale]} for locale in order]


class AwayMessage(models.Model):
    """What an account answers by itself when somebody writes outside its opening hours."""

    account = models.OneToOneField(ConnectedAccount, models.CASCADE, related_name="away_message")
    enabled = models.BooleanField("switched on", default=False)
    text = models.TextField(
        blank=True,
        help_text="One message: at most 1,000 bytes, about 330 Georgian or 500 Cyrillic letters. "
        "Say that it is an automatic answer: Meta names Germany and California, where the law "
        "demands it.",
    )
    time_zone = models.CharField(max_length=64, default="UTC", help_text="Such as Asia/Tbilisi.")
    cooldown_hours = models.PositiveSmallIntegerField(
        "hours between two",
        default=12,
        validators=[MinValueValidator(1), MaxValueValidator(168)],
        help_text="The same person gets at most one in this time.",
    )
    staff_minutes = models.PositiveSmallIntegerField(
        "minutes after an answer",
        default=60,
        validators=[MaxValueValidator(1440)],
        help_text="None is sent if somebody of yours answered so recently; 0: always.",
    )

    class Meta:
        verbose_name = "away message"
        ordering = ["account"]

    def __str__(self) -> str:
        return f"Away message {self.pk}"


class OpeningHours(models.Model):
    """A stretch of a week in which somebody is there to answer."""

    class Weekday(models.IntegerChoices):
        """As Python counts them."""

        MONDAY = 0, "Monday"
        TUESDAY = 1, "Tuesday"
        WEDNESDAY = 2, "Wednesday"
        THURSDAY = 3, "Thursday"
        FRIDAY = 4, "Friday"
        SATURDAY = 5, "Saturday"
        SUNDAY = 6, "Sunday"

    away_message = models.ForeignKey(AwayMessage, models.CASCADE, related_name="opening_hours")
    weekday = models.PositiveSmallIntegerField("day", choices=Weekday)
    opens = models.TimeField()
    closes = models.TimeField(
        help_text="Not later than it opens: on the next day. 00:00 is midnight at the day's end.",
    )

    class Meta:
        verbose_name_plural = "opening hours"
        ordering = ["weekday", "opens", "id"]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M} to {self.closes:%H:%M}"
