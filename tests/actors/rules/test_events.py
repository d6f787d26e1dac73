"""Which events are believed of an extractor, and when they come due."""

from datetime import UTC, datetime
from typing import Any

import pytest

from actors.rules import events, extraction
from actors.rules.events import Drawn
from actors.rules.extraction import Said
from storage.ids import ChannelId, GuildId, MessageId, UserId
from storage.records import Event

ADA, ROOM = UserId(7), ChannelId(11)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""A Monday."""
SAID = (
    Said(MessageId(1), "my interview at the mill is on Friday", NOON, channel_id=ROOM),
    Said(MessageId(2), "Friday it is, then", NOON, by_bar=True, channel_id=ROOM),
    Said(MessageId(3), "Please remind me to call Ana tomorrow at 9", NOON, channel_id=ROOM),
    Said(MessageId(4), "My birthday is on 3 May, my mum's in June", NOON, channel_id=ROOM),
)


def noted(**changes: Any) -> dict[str, Any]:
    values = {
        "type": "follow_up",
        "at": "2026-11-27",
        "recurs": "none",
        "evidence": "my interview at the mill is on Friday",
        "source": "m1",
    }
    return {**values, **changes}


def believed(*items: dict[str, Any]) -> tuple[tuple[Drawn, ...], tuple[str, ...]]:
    return events.drawn({"facts": [], "events": list(items)}, SAID)


def planned(item: dict[str, Any], **changes: Any) -> Event | str:
    (drawn,), _ = believed(item)
    values: dict[str, Any] = {"zone": "Europe/Berlin", "opted_in": True, **changes}
    now = values.pop("now", NOON)
    return events.planned(drawn, ADA, GuildId(1), now, **values)


REMINDER = noted(
    type="reminder",
    at="2026-11-24T09:00",
    evidence="remind me to call Ana tomorrow at 9",
    source="m3",
)
BIRTHDAY = noted(type="birthday", at="2027-05-03", evidence="My birthday is on 3 May", source="m4")


class TestBelief:
    def test_what_rests_on_the_persons_words_is_believed_and_only_they_are_kept(self) -> None:
        (drawn,), rejected = believed(noted(evidence="My  interview at THE mill"))

        assert rejected == ()
        assert drawn.evidence == "My interview at THE mill"
        assert (drawn.message_id, drawn.channel_id) == (1, ROOM)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"evidence": "my wedding is on Friday"}, "event_evidence"),
            ({"evidence": "my"}, "event_evidence"),
            ({"source": "m2", "evidence": "Friday it is, then"}, "event_source"),
            ({"source": "m9"}, "event_source"),
            ({"at": "Friday"}, "event_time"),
            ({"at": "2026-11"}, "event_time"),
            ({"at": "2026-02-30"}, "event_time"),
            ({"type": "party"}, "event_form"),
            ({"recurs": "hourly"}, "event_form"),
            ({"title": "an extra"}, "event_form"),
            (
                {"type": "birthday", "source": "m4", "evidence": "my mum's in June"},
                "event_not_own",
            ),
        ],
    )
    def test_one_broken_rule_drops_one_event(self, changes: dict[str, Any], reason: str) -> None:
        kept, rejected = believed(noted(**changes), noted())

        assert len(kept) == 1
        assert rejected == (reason,)

    @pytest.mark.parametrize("data", [{}, {"events": None}, {"events": "x"}, {"events": [1, None]}])
    def test_nonsense_is_nothing(self, data: Any) -> None:
        assert events.drawn(data, SAID)[0] == ()

    def test_a_flood_is_cut(self) -> None:
        kept, rejected = believed(*[noted()] * 6)

        assert len(kept) == 4
        assert rejected == ("too_many_events",) * 2

    def test_a_reminder_nobody_asked_for_is_only_asked_after(self) -> None:
        (drawn,), _ = believed(noted(type="reminder"))

        assert drawn.kind == "follow_up"


class TestPlans:
    def test_a_day_ahead_is_asked_after_on_the_next_morning(self) -> None:
        event = planned(noted())

        assert isinstance(event, Event)
        assert event.at == datetime(2026, 11, 28, 8, tzinfo=UTC), "nine in Berlin, on Saturday"
        assert (event.kind, event.proactive, event.recurs) == ("follow_up", True, "none")
        assert event.title == "my interview at the mill is on Friday"
        assert (event.guild_id, event.channel_id, event.source_message_id) == (1, ROOM, 1)

    def test_a_reminder_comes_at_its_hour_and_needs_no_leave(self) -> None:
        event = planned(REMINDER, opted_in=False)

        assert isinstance(event, Event)
        assert (event.at, event.proactive) == (datetime(2026, 11, 24, 8, tzinfo=UTC), False)

    def test_a_birthday_comes_every_year(self) -> None:
        event = planned(BIRTHDAY)

        assert isinstance(event, Event)
        assert (event.at, event.recurs) == (datetime(2027, 5, 3, 7, tzinfo=UTC), "yearly")
        assert event.proactive

    def test_a_weekly_reminder_begins_with_the_next_one(self) -> None:
        event = planned({**REMINDER, "recurs": "weekly", "at": "2026-11-19T09:00"})

        assert isinstance(event, Event)
        assert event.at == datetime(2026, 11, 26, 8, tzinfo=UTC)
        assert event.anchor is not None

    @pytest.mark.parametrize(
        ("item", "changes", "reason"),
        [
            (noted(), {"zone": None}, "event_no_zone"),
            (REMINDER, {"zone": None}, "event_no_zone"),
            (noted(), {"opted_in": False}, "event_no_leave"),
            (BIRTHDAY, {"opted_in": False}, "event_no_leave"),
            (noted(at="2026-11-20"), {}, "event_time"),
            (noted(at="2030-11-20"), {}, "event_time"),
            ({**REMINDER, "at": "2026-11-23T09:00"}, {}, "event_time"),
        ],
    )
    def test_what_cannot_be_planned_says_why(
        self, item: dict[str, Any], changes: dict[str, Any], reason: str
    ) -> None:
        assert planned(item, **changes) == reason


def learned(**changes: Any) -> tuple[extraction.Proposal, ...]:
    fact = {
        "op": "add", "target": None, "about": "self", "type": "work", "slot": "",
        "cardinality": "many", "content": "has an interview at the mill on 2026-11-27",
        "evidence": "my interview at the mill is on Friday", "source": "m1", "confidence": 0.9,
        "importance": 0.7, "temporal": "future", "when": "2026-11-27", "expires": None,
        "private": False, **changes,
    }  # fmt: skip
    answer = extraction.believed(
        {"facts": [fact], "events": []}, SAID, user_id=ADA, guild_id=GuildId(1), consents=True,
        known=frozenset(), now=NOON,
    )  # fmt: skip
    assert answer.proposals
    return answer.proposals


class TestFactsToCome:
    def test_a_fact_to_come_is_asked_after(self) -> None:
        (drawn,) = events.ahead(learned(), SAID)

        assert drawn == Drawn(
            "follow_up",
            datetime(2026, 11, 27),  # noqa: DTZ001 - what a wall clock shows is naive
            has_hour=False,
            recurs="none",
            evidence="my interview at the mill is on Friday",
            message_id=MessageId(1),
            channel_id=ROOM,
        )

    @pytest.mark.parametrize(
        "changes",
        [
            {"temporal": "present"},
            {"when": "2026-11"},
            {"when": None},
            {"private": True},
            {"about": "Ana"},
        ],
    )
    def test_nothing_else_is(self, changes: dict[str, Any]) -> None:
        assert events.ahead(learned(**changes), SAID) == ()

    def test_the_extractor_is_told_of_every_kind_that_is_believed(self) -> None:
        for kind in ("reminder", "birthday", "follow_up"):
            assert f'"{kind}"' in extraction.PROMPT
        item = extraction.SCHEMA["properties"]["events"]["items"]
        assert set(item["properties"]) == set(noted()) == set(item["required"])
