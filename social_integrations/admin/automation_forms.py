"""What may stand in ice breakers, a menu and an away message: checked before Meta does."""

from collections import Counter
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError

from social_integrations.models import AwayMessage, MenuEntry
from social_integrations.models.automation import (
    DEFAULT_LOCALE,
    MAX_MENU_ENTRIES,
    MAX_QUESTIONS,
)

MAX_TEXT_BYTES = 1000  # Meta: UTF-8 bytes, not characters


@cache
def _zones() -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(available_timezones())]


class ByLocaleFormSet(forms.BaseInlineFormSet):
    """Entries in several languages: `default` among them, and not too many of each."""

    most = 0
    many = ""

    def clean(self) -> None:
        """Refuse what Meta would refuse."""
        super().clean()
        counts = Counter(locale for form in self.forms if (locale := _locale_of(form)))
        if counts and DEFAULT_LOCALE not in counts:
            raise ValidationError(
                "Instagram wants entries of the language “default”: for everybody whose language "
                "is not listed."
            )
        for locale, count in sorted(counts.items()):
            if count > self.most:
                raise ValidationError(
                    f"Instagram takes at most {self.most} {self.many} of a language; “{locale}” "
                    f"has {count}."
                )


class QuestionFormSet(ByLocaleFormSet):
    """Ice breakers."""

    most, many = MAX_QUESTIONS, "questions"


class MenuFormSet(ByLocaleFormSet):
    """A menu."""

    most, many = MAX_MENU_ENTRIES, "menu entries"


def _locale_of(form: forms.BaseForm) -> str:
    """Return the language of a row that is kept; empty for an empty or deleted one."""
    values = getattr(form, "cleaned_data", {})
    return "" if values.get("DELETE") else str(values.get("locale") or "")


class MenuEntryForm(forms.ModelForm):
    """A menu entry sends a payload or opens an address, never both."""

    class Meta:
        model = MenuEntry
        fields = ("locale", "position", "title", "type", "payload", "url")

    def clean(self) -> dict[str, Any]:
        """Ask for what its kind needs, and drop the other."""
        values: dict[str, Any] = super().clean() or {}
        if values.get("type") == MenuEntry.Type.WEB_URL:
            if not values.get("url") and "url" not in self.errors:
                self.add_error("url", "Write the address a tap opens.")
            values["payload"] = ""
        else:
            if not values.get("payload") and "payload" not in self.errors:
                self.add_error("payload", "Write what comes back with a tap.")
            values["url"] = ""
        return values


class AwayMessageForm(forms.ModelForm):
    """An away message is one message of Instagram's size."""

    time_zone = forms.ChoiceField(choices=_zones)

    class Meta:
        model = AwayMessage
        fields = ("account", "enabled", "text", "time_zone", "cooldown_hours", "staff_minutes")
        widgets = {"text": forms.Textarea(attrs={"rows": 4})}

    def clean_text(self) -> str:
        """Count as Meta counts."""
        text = str(self.cleaned_data["text"]).strip()
        size = len(text.encode())
        if size > MAX_TEXT_BYTES:
            raise ValidationError(
                f"This has {size:,} bytes; Instagram takes at most {MAX_TEXT_BYTES:,}. A Georgian "
                "letter counts three, a Cyrillic one two, an emoji four or more."
            )
        return text

    def clean(self) -> dict[str, Any]:
        """Switch nothing on that has nothing to say."""
        values: dict[str, Any] = super().clean() or {}
        if values.get("enabled") and not values.get("text") and "text" not in self.errors:
            self.add_error("text", "Write what is answered before you switch it on.")
        return values
