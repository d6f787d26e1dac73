"""The laws of the calendar."""

# ruff: noqa: DTZ001 - what a wall clock shows is naive

import calendar as months
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules import calendar as rules
from actors.rules import lint
from actors.rules.calendar import Circumstances, LetGo, Say, Wait
from storage.ids import ChannelId, GuildId, MessageId, RowId, UserId
from storage.records import Event

ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata",
    "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati", "Africa/Casablanca",
    "Asia/Kathmandu", "America/St_Johns", "Antarctica/Troll",
)  # fmt: skip
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)

zones = st.sampled_from(ZONES)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
walls = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(
    lambda at: at.replace(microsecond=0)
)
repeating = st.sampled_from(("daily", "weekly", "monthly", "yearly"))


def an_event(kind: Any = "reminder", **changes: Any) -> Event:
    values: dict[str, Any] = {
        "event_id": RowId(1),
        "user_id": UserId(7),
        "guild_id": GuildId(1),
        "channel_id": ChannelId(11),
        "kind": kind,
        "at": NOON,
        "title": "call Ana",
        "zone": "UTC",
    }
    return Event(**{**values, **changes})


class TestWallClocks:
    @given(at=moments, zone=zones)
    def test_a_clock_is_read_back_to_its_moment(self, at: datetime, zone: str) -> None:
        there = rules.wall(at, zone)

        first, second = rules.instant(there, zone), rules.instant(there, zone, fold=1)

        assert at in {first, second}
        assert first <= second

    @given(there=walls, zone=zones)
    def test_a_time_that_the_clocks_skip_comes_as_much_later_as_they_skip(
        self, there: datetime, zone: str
    ) -> None:
        shown = rules.wall(rules.instant(there, zone), zone)

        before = (there - DAY).replace(tzinfo=ZoneInfo(zone)).utcoffset()
        after = (there + DAY).replace(tzinfo=ZoneInfo(zone)).utcoffset()
        assert before is not None
        assert after is not None
        assert shown - there in {timedelta(), after - before}

    def test_in_berlin_half_past_two_is_skipped_in_march_and_twice_in_october(self) -> None:
        skipped = rules.instant(datetime(2027, 3, 28, 2, 30), "Europe/Berlin")
        twice = rules.instant(datetime(2027, 10, 31, 2, 30), "Europe/Berlin")

        assert rules.wall(skipped, "Europe/Berlin") == datetime(2027, 3, 28, 3, 30)
        assert twice == datetime(2027, 10, 31, 0, 30, tzinfo=UTC), "the first of the two"

    @pytest.mark.parametrize(
        ("named", "meant"),
        [
            ("Europe/Berlin", "Europe/Berlin"),
            (" europe/berlin ", "Europe/Berlin"),
            ("america/new york", "America/New_York"),
            ("utc", "UTC"),
            ("Mars/Olympus", None),
            ("", None),
            ("../etc/passwd", None),
        ],
    )
    def test_a_zone_is_known_by_its_name(self, named: str, meant: str | None) -> None:
        assert rules.known_zone(named) == meant


class TestNight:
    @given(at=moments, zone=zones)
    def test_nobody_is_woken_and_nobody_waits_longer_than_a_night(
        self, at: datetime, zone: str
    ) -> None:
        then = rules.awake(at, zone)

        assert time(8) <= rules.wall(then, zone).time() < time(22)
        assert at <= then <= at + 35 * HOUR, "a night of ten hours, and a day that was left out"
        if zone != "Pacific/Apia":
            assert then - at <= 12 * HOUR
        assert rules.awake(then, zone) == then

    @pytest.mark.parametrize(
        ("hour", "minute", "day", "until"),
        [(21, 59, 10, 21), (22, 0, 11, 8), (23, 30, 11, 8), (0, 0, 10, 8), (7, 59, 10, 8)],
    )
    def test_its_edges(self, hour: int, minute: int, day: int, until: int) -> None:
        at = datetime(2026, 6, 10, hour, minute, tzinfo=UTC)

        then = rules.awake(at, "UTC")

        assert (then.day, then.hour) == (day, until)


class TestFollowing:
    @given(anchor=walls, zone=zones, recurs=repeating, ahead=st.integers(-400, 4000))
    def test_it_is_later_on_the_same_wall_time_and_the_first_that_is(
        self, anchor: datetime, zone: str, recurs: Any, ahead: int
    ) -> None:
        after = rules.instant(anchor, zone) + ahead * DAY

        at = rules.following(anchor, zone, recurs, after)

        assert at is not None
        assert at > after
        there = rules.wall(at, zone)
        last = months.monthrange(there.year, there.month)[1]
        exact = rules.instant(there, zone) == at and there.time() == anchor.time()
        if exact and recurs == "weekly":
            assert there.weekday() == anchor.weekday()
        if exact and recurs in {"monthly", "yearly"}:
            assert there.day == min(anchor.day, last)
        if exact and recurs == "yearly":
            assert there.month == anchor.month
        longest = {"daily": 2, "weekly": 8, "monthly": 32, "yearly": 367}[recurs]
        assert at <= max(after, rules.instant(anchor, zone)) + (longest + 1) * DAY

    @given(anchor=walls, zone=zones, recurs=repeating)
    def test_one_after_the_other_none_is_left_out_or_doubled(
        self, anchor: datetime, zone: str, recurs: Any
    ) -> None:
        at = rules.instant(anchor, zone)
        days = []
        for _ in range(14):
            following = rules.following(anchor, zone, recurs, at)
            assert following is not None
            at = following
            days.append(rules.wall(at, zone).date())

        assert len(set(days)) == len(days)
        assert days == sorted(days)

    def test_nine_stays_nine_when_the_clocks_change(self) -> None:
        anchor, zone = datetime(2027, 3, 26, 9), "Europe/Berlin"
        at = rules.instant(anchor, zone)
        hours = []
        for _ in range(4):
            at = rules.following(anchor, zone, "daily", at) or at
            hours.append(at.hour)

        assert hours == [8, 7, 7, 7], "in UTC it moves, on the wall it does not"

    def test_29_february_is_kept_on_the_28th_until_it_is_there_again(self) -> None:
        anchor = datetime(2024, 2, 29, 9)
        at, days = datetime(2024, 3, 1, tzinfo=UTC), []
        for _ in range(4):
            at = rules.following(anchor, "UTC", "yearly", at) or at
            days.append((at.year, at.day))

        assert days == [(2025, 28), (2026, 28), (2027, 28), (2028, 29)]

    def test_the_31st_of_every_month_is_its_last_day(self) -> None:
        at, days = datetime(2027, 1, 31, 9, tzinfo=UTC), []
        for _ in range(5):
            at = rules.following(datetime(2027, 1, 31, 9), "UTC", "monthly", at) or at
            days.append((at.month, at.day))

        assert days == [(2, 28), (3, 31), (4, 30), (5, 31), (6, 30)]

    def test_what_does_not_recur_does_not(self) -> None:
        assert rules.following(datetime(2027, 1, 1), "UTC", "none", NOON) is None
        assert rules.succeeding(an_event(), None, NOON) is None

    def test_a_week_away_is_made_up_for_once(self) -> None:
        daily = an_event(recurs="daily", anchor=datetime(2026, 6, 1, 12))

        again = rules.succeeding(daily, None, NOON + 7 * DAY + HOUR)

        assert again == NOON + 8 * DAY

    def test_somebody_who_moved_is_reminded_by_their_new_clock(self) -> None:
        daily = an_event(recurs="daily", anchor=datetime(2026, 6, 1, 12), zone="UTC")

        again = rules.succeeding(daily, "Asia/Tokyo", NOON)

        assert again is not None
        assert rules.wall(again, "Asia/Tokyo").time() == time(12)


class TestBirthday:
    @given(
        day=st.dates(date(2024, 1, 1), date(2024, 12, 31)),
        now=moments,
        zone=zones,
    )
    def test_it_is_within_a_year_and_not_over(self, day: Any, now: datetime, zone: str) -> None:
        anchor, at = rules.birthday(day.month, day.day, zone, now)

        there = rules.wall(at, zone)
        assert (anchor.month, anchor.day) == (day.month, day.day)
        assert there.date() >= rules.wall(now, zone).date()
        assert at - now <= 367 * DAY
        assert (there.month, there.day) in {(day.month, day.day), (2, 28)}

    def test_on_the_day_itself_it_is_today(self) -> None:
        _, at = rules.birthday(6, 10, "UTC", NOON)

        assert at == NOON.replace(hour=9), "over since three hours, and still to be wished"

    def test_there_is_no_31st_of_april(self) -> None:
        with pytest.raises(ValueError, match="day"):
            rules.birthday(4, 31, "UTC", NOON)


circumstances = st.builds(
    Circumstances,
    name=st.just("Ada"),
    zone=st.none() | zones,
    opted_in=st.booleans(),
    cared_for_until=st.none() | moments,
    spoke_at=st.none() | moments,
)
events = st.builds(
    an_event,
    st.sampled_from(("birthday", "follow_up", "reminder")),
    at=moments,
    zone=zones,
    proactive=st.booleans(),
)


class TestVerdict:
    @given(event=events, person=circumstances, late=st.timedeltas(timedelta(), 20 * DAY))
    def test_the_laws_hold_whatever_happens(
        self, event: Event, person: Circumstances, late: timedelta
    ) -> None:
        now = event.at + late
        proactive = event.proactive and event.kind != "reminder"

        verdict = rules.verdict(event, person, now)

        if event.kind == "reminder":
            assert isinstance(verdict, Say)
        if isinstance(verdict, Say) and event.kind != "reminder":
            there = rules.wall(now, person.zone or event.zone)
            assert time(8) <= there.time() < time(22)
            assert person.cared_for_until is None or person.cared_for_until <= now
            assert late <= rules.LATEST[event.kind]
        if isinstance(verdict, Say) and proactive:
            assert person.opted_in
            assert person.spoke_at is None or now - person.spoke_at >= 7 * DAY
        if isinstance(verdict, Wait):
            assert verdict.until > now
            later = rules.verdict(event, person, verdict.until)
            assert isinstance(later, Say), "what waits, waits for a moment when it may be said"

    def test_a_birthday_missed_by_hours_is_wished_and_by_a_week_is_not(self) -> None:
        mine = an_event("birthday")

        assert isinstance(rules.verdict(mine, Circumstances("Ada"), NOON + 5 * HOUR), Say)
        assert rules.verdict(mine, Circumstances("Ada"), NOON + 7 * DAY) == LetGo("too_late")

    def test_a_follow_up_missed_by_days_is_let_go(self) -> None:
        asked_after = an_event("follow_up")

        assert rules.verdict(asked_after, Circumstances(), NOON + 2 * DAY) == LetGo("too_late")

    def test_a_reminder_at_three_in_the_morning_is_said_at_three_in_the_morning(self) -> None:
        night = NOON.replace(hour=3)
        cared_for = Circumstances(cared_for_until=night + DAY)

        assert isinstance(rules.verdict(an_event(at=night), cared_for, night), Say)

    def test_a_birthday_at_night_waits_for_the_morning_of_the_person(self) -> None:
        mine = an_event("birthday", at=NOON)

        verdict = rules.verdict(mine, Circumstances(zone="Asia/Tokyo"), NOON + 2 * HOUR)

        assert verdict == Wait(datetime(2026, 6, 10, 23, tzinfo=UTC)), "eight o'clock in Tokyo"

    def test_nobody_is_written_to_who_did_not_say_so(self) -> None:
        asked_after = an_event("follow_up", proactive=True)

        assert rules.verdict(asked_after, Circumstances(), NOON) == LetGo("not_opted_in")
        assert isinstance(rules.verdict(asked_after, Circumstances(opted_in=True), NOON), Say)

    def test_the_second_thing_in_a_week_is_let_go(self) -> None:
        person = Circumstances(opted_in=True, spoke_at=NOON - 2 * DAY)

        assert rules.verdict(an_event("follow_up", proactive=True), person, NOON) == LetGo(
            "too_late"
        )


class TestWords:
    def test_a_late_reminder_says_when_it_was_meant(self) -> None:
        reminder = an_event(zone="Europe/Berlin")

        prompt = rules.words(reminder, "Ada", "Europe/Berlin", NOON + 9 * 60 * timedelta(seconds=1))
        late = rules.words(reminder, "Ada", "Europe/Berlin", NOON + HOUR)

        assert prompt == "You asked me to remind you: call Ana"
        assert "Wednesday 10 June 2026, 14:00 (Europe/Berlin)" in late
        assert "late" in late

    def test_a_birthday_is_belated_from_the_next_day_of_the_person_on(self) -> None:
        mine = an_event("birthday", at=NOON)

        assert "belated" not in rules.words(mine, "Ada", "UTC", NOON + 11 * HOUR)
        assert "belated" in rules.words(mine, "Ada", "UTC", NOON + 12 * HOUR)
        assert "belated" in rules.words(mine, "Ada", "Asia/Tokyo", NOON + 4 * HOUR)

    @pytest.mark.parametrize("kind", ["birthday", "follow_up", "reminder"])
    @pytest.mark.parametrize("source", [None, MessageId(5)])
    @pytest.mark.parametrize("late", [timedelta(), DAY])
    def test_all_that_is_said_passes_the_lint(
        self, kind: Any, source: MessageId | None, late: timedelta
    ) -> None:
        event = an_event(kind, source_message_id=source)

        said = rules.words(event, "Ada", "UTC", NOON + late)

        assert lint.violations(said) == ()
        assert said.count("?") <= 1
