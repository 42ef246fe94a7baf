"""When somebody is there: nights, nights in which clocks change, and odd time zones."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from social_integrations.models import AwayMessage, OpeningHours
from social_integrations.services.opening_hours import is_away, is_open, zone_of

MON, TUE, FRI, SAT, SUN = 0, 1, 4, 5, 6
BERLIN, TBILISI = "Europe/Berlin", "Asia/Tbilisi"


def stretch(weekday: int, opens: str, closes: str) -> OpeningHours:
    return OpeningHours(
        weekday=weekday, opens=time.fromisoformat(opens), closes=time.fromisoformat(closes)
    )


def at(zone: str, moment: str, *, later: bool = False) -> datetime:
    """Return a local moment; `later` is the second time a clock shows it."""
    local = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone), fold=int(later))
    return local.astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-23 08:59:59", False),
        ("2026-11-23 09:00:00", True),
        ("2026-11-23 17:59:59", True),
        ("2026-11-23 18:00:00", False),
        ("2026-11-24 12:00:00", False),
    ],
)
def test_a_day_is_exact_to_the_second_by_the_local_clock(moment: str, expected: bool) -> None:
    hours = [stretch(MON, "09:00", "18:00")]
    assert is_open(hours, ZoneInfo(TBILISI), at(TBILISI, moment)) is expected


def test_the_weekday_is_the_local_one() -> None:
    hours = [stretch(TUE, "00:00", "04:00")]
    # In Tbilisi it is Tuesday already.
    moment = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
    assert is_open(hours, ZoneInfo(TBILISI), moment)
    assert not is_open(hours, ZoneInfo("UTC"), moment)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-27 21:59", False),
        ("2026-11-27 22:00", True),
        ("2026-11-28 01:59", True),
        ("2026-11-28 02:00", False),
        ("2026-11-28 22:30", False),  # Saturday night is another one
    ],
)
def test_a_night_belongs_to_the_day_it_began_on(moment: str, expected: bool) -> None:
    hours = [stretch(FRI, "22:00", "02:00")]
    assert is_open(hours, ZoneInfo(BERLIN), at(BERLIN, moment)) is expected


def test_sunday_night_ends_on_monday() -> None:
    hours = [stretch(SUN, "20:00", "03:00")]
    assert is_open(hours, ZoneInfo(BERLIN), at(BERLIN, "2026-11-30 02:59"))
    assert not is_open(hours, ZoneInfo(BERLIN), at(BERLIN, "2026-11-30 03:00"))


def test_midnight_ends_the_day_and_a_whole_day_is_possible() -> None:
    zone = ZoneInfo(BERLIN)
    assert is_open([stretch(MON, "09:00", "00:00")], zone, at(BERLIN, "2026-11-23 23:59:59"))
    assert not is_open([stretch(MON, "09:00", "00:00")], zone, at(BERLIN, "2026-11-24 00:00"))
    whole = [stretch(MON, "00:00", "00:00")]
    assert is_open(whole, zone, at(BERLIN, "2026-11-23 00:00"))
    assert is_open(whole, zone, at(BERLIN, "2026-11-23 23:59"))
    assert not is_open(whole, zone, at(BERLIN, "2026-11-24 00:00"))


class TestClocksChange:
    """Berlin: forward on 29 March 2026 at 2, back on 25 October 2026 at 3. Tbilisi: never."""

    def test_office_hours_move_with_the_clock(self) -> None:
        hours = [stretch(day, "09:00", "18:00") for day in range(7)]
        zone = ZoneInfo(BERLIN)
        assert not is_open(hours, zone, datetime(2026, 3, 28, 7, 30, tzinfo=UTC))
        assert is_open(hours, zone, datetime(2026, 3, 29, 7, 30, tzinfo=UTC))
        assert is_open(hours, zone, datetime(2026, 10, 24, 7, 30, tzinfo=UTC))
        assert not is_open(hours, zone, datetime(2026, 10, 25, 7, 30, tzinfo=UTC))

    def test_where_clocks_stay_they_do_not_move(self) -> None:
        hours = [stretch(day, "09:00", "18:00") for day in range(7)]
        for month in (3, 4, 10, 11):
            assert is_open(hours, ZoneInfo(TBILISI), datetime(2026, month, 26, 5, 0, tzinfo=UTC))
            assert not is_open(
                hours, ZoneInfo(TBILISI), datetime(2026, month, 26, 4, 59, tzinfo=UTC)
            )

    def test_a_night_with_an_hour_more_is_open_throughout_and_once(self) -> None:
        hours = [stretch(SAT, "22:00", "02:30")]
        zone = ZoneInfo(BERLIN)
        assert is_open(hours, zone, at(BERLIN, "2026-10-25 02:29"))
        assert not is_open(hours, zone, at(BERLIN, "2026-10-25 02:30"))
        # The clock shows 2:15 a second time: closed is closed.
        assert not is_open(hours, zone, at(BERLIN, "2026-10-25 02:15", later=True))
        late = [stretch(SAT, "22:00", "03:30")]
        assert is_open(late, zone, at(BERLIN, "2026-10-25 02:59"))
        assert is_open(late, zone, at(BERLIN, "2026-10-25 02:30", later=True))
        assert not is_open(late, zone, at(BERLIN, "2026-10-25 03:30"))

    def test_a_night_with_an_hour_less_closes_when_the_clock_says_so(self) -> None:
        hours = [stretch(SAT, "22:00", "04:00")]
        zone = ZoneInfo(BERLIN)
        assert is_open(hours, zone, at(BERLIN, "2026-03-29 03:59"))
        assert not is_open(hours, zone, at(BERLIN, "2026-03-29 04:00"))


@given(
    opens=st.times(),
    closes=st.times(),
    weekday=st.integers(0, 6),
    moment=st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    zone=st.sampled_from(["UTC", BERLIN, TBILISI, "America/St_Johns", "Pacific/Apia"]),
)
def test_a_week_later_it_is_the_same_by_the_clock(
    opens: time, closes: time, weekday: int, moment: datetime, zone: str
) -> None:
    """Unless clocks changed near one of the two moments."""
    hours = [OpeningHours(weekday=weekday, opens=opens, closes=closes)]
    place = ZoneInfo(zone)
    here = moment.astimezone(place)
    there = (here.replace(tzinfo=None) + timedelta(days=7)).replace(tzinfo=place)
    near = timedelta(days=2)
    moments = [
        when + step for when in (moment, there.astimezone(UTC)) for step in (-near, 0 * near, near)
    ]
    offsets = {one.astimezone(place).utcoffset() for one in moments}
    if len(offsets) == 1:
        assert is_open(hours, place, moment) == is_open(hours, place, there.astimezone(UTC))


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "x" * 300])
def test_a_name_that_is_no_zone_says_nothing(name: str) -> None:
    assert zone_of(name) is None
    away = AwayMessage(time_zone=name)
    assert not is_away(away, [], datetime(2026, 11, 23, tzinfo=UTC))


def test_without_hours_nobody_is_ever_there() -> None:
    assert is_away(AwayMessage(time_zone="UTC"), [], datetime(2026, 11, 23, 12, tzinfo=UTC))
