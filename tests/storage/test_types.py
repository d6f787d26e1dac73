import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.models import Guild, GuildMember, User, UserFact
from storage.times import ensure_utc
from storage.types import storable, storable_json
from tests.storage.builders import NOON
from tests.storage.store import Store

ANY_TEXT = st.text(st.characters(), max_size=60)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


class TestStorable:
    @given(ANY_TEXT)
    def test_any_text_becomes_what_every_database_holds(self, text: str) -> None:
        kept = storable(text)

        assert "\x00" not in kept
        assert len(kept) == len(text)
        assert kept.encode().decode() == kept
        assert storable(kept) == kept

    @given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60))
    def test_ordinary_text_stays_as_it_is(self, text: str) -> None:
        assert storable(text) == text

    @given(ANY_JSON)
    def test_json_comes_back_as_it_was_but_for_its_characters(self, value: Any) -> None:
        text = storable_json(value)

        assert "\\u0000" not in text.replace("\\\\", "")
        assert text.encode()
        assert storable_json(json.loads(text)) == text

    @pytest.mark.parametrize("value", [float("nan"), {"x": float("inf")}, [object()]])
    def test_what_json_has_no_word_for_is_refused(self, value: Any) -> None:
        with pytest.raises((ValueError, TypeError)):
            storable_json(value)


class TestTimes:
    async def test_times_come_back_aware_and_in_utc(self, store: Store) -> None:
        there = datetime(2026, 3, 1, 14, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))

        async with store.database.session() as session:
            session.add(User(discord_id=1, first_seen_at=there, last_seen_at=there))

        (user,) = await store.rows(User)
        assert user.first_seen_at == there
        assert user.first_seen_at.utcoffset() == timedelta(0)
        assert user.created_at.tzinfo is not None

    def test_a_naive_time_is_taken_to_be_utc(self) -> None:
        assert ensure_utc(NOON.replace(tzinfo=None)) == NOON
        assert ensure_utc(NOON.astimezone(timezone(timedelta(hours=5)))).tzinfo is UTC


class TestColumns:
    async def test_orm_objects_may_hold_any_text(self, store: Store) -> None:
        async with store.database.session() as session:
            user = User(discord_id=1, discord_username="a\x00b" + "x" * 400)
            guild = Guild(discord_id=2, settings={"\x00": ["\ud800"]})
            session.add_all([user, guild])
            await session.flush()
            session.add(GuildMember(guild_id=guild.id, user_id=user.id, roles=["a\x00", '"{}"']))
            session.add(UserFact(user_id=user.id, fact_type="work", fact_content="\udfff"))

        (user_row,) = await store.rows(User)
        (guild_row,) = await store.rows(Guild)
        (member,) = await store.rows(GuildMember)
        (fact,) = await store.rows(UserFact)
        assert user_row.discord_username == "a\u2400b" + "x" * 252
        assert guild_row.settings == {"\u2400": ["\ufffd"]}
        assert member.roles == ["a\u2400", '"{}"']
        assert fact.fact_content == "\ufffd"
