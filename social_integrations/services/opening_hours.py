"""Whether somebody is there to answer, and whom the away message is for: no calls, no writes."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from social_integrations.events.messages import REFERRAL_KIND
from social_integrations.events.types import MessageEvent
from social_integrations.models import AwayMessage, ConnectedAccount, OpeningHours

from .arrivals import Arrival

# What is older by Meta's clock was delivered late or fetched later: nobody waits for it now.
FRESH = timedelta(minutes=10)
# Standby: another app answers. Conversations: read from Meta's archive.
SILENT_WRAPPERS = frozenset({"standby", "conversations"})
DAY = timedelta(days=1)


def zone_of(name: str) -> ZoneInfo | None:
    """Return a time zone by its name, None for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def is_open(hours: Iterable[OpeningHours], zone: ZoneInfo, moment: datetime) -> bool:
    """Return whether a moment lies in a stretch that began on its local day or the day before.

    Stretches run from moment to moment, so a night in which clocks change is open once, for as
    many hours as the clock shows, one more or one fewer.
    """
    stretches = list(hours)
    today = moment.astimezone(zone).date()
    return any(
        _at(day, one.opens, zone) <= moment < _end(day, one, zone)
        for day in (today - DAY, today)
        for one in stretches
        if one.weekday == day.weekday()
    )


def _end(day: date, one: OpeningHours, zone: ZoneInfo) -> datetime:
    return _at(day if one.closes > one.opens else day + DAY, one.closes, zone)


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Return a moment of a local day in UTC: two times of one zone compare by their clocks."""
    return datetime.combine(day, clock, zone).astimezone(UTC)


def is_fresh(occurred_at: datetime, now: datetime) -> bool:
    """Return whether something has just happened, by Meta's clock."""
    return abs(now - occurred_at) <= FRESH


def is_away(away: AwayMessage, hours: Iterable[OpeningHours], moment: datetime) -> bool:
    """Return whether nobody is there to answer at a moment; hours nobody can read say nothing."""
    zone = zone_of(away.time_zone)
    return zone is not None and not is_open(hours, zone, moment)


def active_away_message(account: ConnectedAccount) -> AwayMessage | None:
    """Return the account's away message if it is switched on; costs nothing where it is loaded."""
    away: AwayMessage | None = getattr(account, "away_message", None)
    return away if away and away.enabled and away.text.strip() and account.is_active else None


def may_be_answered(arrival: Arrival[MessageEvent], now: datetime) -> bool:
    """Return whether an arrival is a customer writing to us, just now."""
    account, event = arrival.account, arrival.event
    return (
        not event.outbound
        and event.kind != REFERRAL_KIND  # followed a link, and has not written
        and arrival.row.wrapper not in SILENT_WRAPPERS
        and event.contact_id not in (account.instagram_account_id, account.app_scoped_id)
        and is_fresh(arrival.occurred_at, now)
    )
