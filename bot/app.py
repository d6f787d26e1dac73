"""The composition root: puts the bar together, opens it, and closes it in reverse order.

Order of opening: database, actors (storage first), then the door.  Whatever a later part needs is
open by then, and nothing is heard that could not be answered.
"""

import contextlib
import gc
import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from actors import messages as m
from actors.calendar import CalendarActor
from actors.composing import Composer
from actors.conversation import ConversationActor
from actors.directory import Directory
from actors.groq_api import GroqApi
from actors.house import HouseActor
from actors.language import LanguageActor, Models
from actors.memory import MemoryActor
from actors.mood import MoodActor
from actors.opinions import OpinionActor
from actors.relationship import RelationshipActor
from actors.runtime import trace_id
from actors.storage import StorageActor
from bot.opening import open_database
from bot.settings import Settings
from storage.database import Database
from storage.ids import hashed, use_log_key
from storage.times import utc_now

log = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 7.0
"""A container's grace is 10 s: what is not flushed by then is lost to the kill anyway."""
CONVERSATION_IDLE_SECONDS: Final = 3_700.0
"""Just over a sitting's 60 minutes, so that most sittings end in memory."""
STATE_IDLE_SECONDS: Final = 900.0


@dataclass
class Bar:
    """The open bar: everything a door needs."""

    settings: Settings
    directory: Directory
    database: Database
    clock: Callable[[], datetime]

    async def hear(self, heard: m.MessageHeard) -> None:
        """Take a person's message in: the one way into the bar."""
        key = (heard.person.user_id, heard.place.channel_id)
        trace_id.set(f"{hashed(heard.message_id)}")
        await self.directory.ref(ConversationActor, key).send(heard)

    def edited(self, message: m.MessageEdited) -> None:
        """Take in that a person changed what they had said."""
        key = (message.user_id, message.place.channel_id)
        self.directory.ref(ConversationActor, key).tell(message)

    @property
    def house(self) -> Any:
        """Whom doors tell what concerns no single conversation."""
        return self.directory.ref(HouseActor, m.OnlyOne)

    def wake_owed(self) -> None:
        """Have everything answered that an earlier run of the program left unanswered, and said
        what came due meanwhile.
        """
        self.house.tell(m.AnswerAwaited())
        self.directory.ref(CalendarActor, m.OnlyOne).tell(m.EventsDue())


@contextlib.asynccontextmanager
async def opened(
    settings: Settings,
    outbox: m.Outbox,
    *,
    database: Database | None = None,
    clock: Callable[[], datetime] = utc_now,
    rng: random.Random | None = None,
) -> AsyncIterator[Bar]:
    """Open the bar, and close it on leaving: nothing more is heard, everything heard is kept.

    Args:
        settings: what the environment says.
        outbox: the door's way to say replies.
        database: an open one; else the one that the settings name is opened.
        clock: tells the time, aware UTC.
        rng: dice for backoff and for when facts are drawn; seeded in tests.
    """
    dice = rng or random.Random()
    if settings.log_key:
        use_log_key(settings.log_key.get_secret_value())
    database = database or await open_database(settings)
    directory = Directory(clock=clock, rng=dice)
    model = open_model(settings)
    register(directory, settings, database, outbox, model, clock, dice)
    bar = Bar(settings, directory, database, clock)
    gc.freeze()
    log.info("bar.opened", extra={"database": database.dialect, "model": model is not None})
    try:
        yield bar
    finally:
        started = time.perf_counter()
        late = await directory.shutdown(deadline=DRAIN_SECONDS)
        if model is not None:
            await model.close()
        await database.close()
        took = round((time.perf_counter() - started) * 1000)
        log.info("bar.closed", extra={"not_flushed": len(late), "ms": took})


def open_model(settings: Settings) -> GroqApi | None:
    """Return the way to the language model, or None if there is none: then the house voice
    speaks.
    """
    if settings.groq_api_key is None and settings.llm_base_url is None:
        return None
    key = settings.groq_api_key.get_secret_value() if settings.groq_api_key else "none"
    return GroqApi(api_key=key, base_url=settings.llm_base_url)


def register(
    directory: Directory,
    settings: Settings,
    database: Database,
    outbox: m.Outbox,
    model: GroqApi | None,
    clock: Callable[[], datetime],
    rng: random.Random,
) -> None:
    """Tell the directory how each kind of actor is made; those that others flush into come
    first.
    """
    models = Models(settings.model_reply, settings.model_facts, settings.vision)
    composer = Composer(directory, outbox, clock, settings.bartender_country)
    directory.register(
        StorageActor, lambda key: StorageActor(key, database=database), idle_after=None
    )
    directory.register(
        LanguageActor,
        lambda key: LanguageActor(
            key, directory=directory, model=model, clock=clock, rng=rng, models=models
        ),
        idle_after=None,
    )
    directory.register(
        CalendarActor,
        lambda key: CalendarActor(key, directory=directory, outbox=outbox, clock=clock),
        idle_after=None,
    )
    directory.register(
        OpinionActor,
        lambda key: OpinionActor(key, directory=directory, clock=clock),
        idle_after=STATE_IDLE_SECONDS,
    )
    directory.register(
        MemoryActor,
        lambda key: MemoryActor(
            key, directory=directory, clock=clock, rng=rng, rate=settings.fact_extraction_rate
        ),
        idle_after=STATE_IDLE_SECONDS,
    )
    directory.register(
        RelationshipActor,
        lambda key: RelationshipActor(key, directory=directory, clock=clock),
        idle_after=STATE_IDLE_SECONDS,
    )
    directory.register(
        MoodActor,
        lambda key: MoodActor(key, directory=directory, clock=clock),
        idle_after=STATE_IDLE_SECONDS,
    )
    directory.register(
        ConversationActor,
        lambda key: ConversationActor(
            key, directory=directory, composer=composer, outbox=outbox, clock=clock
        ),
        idle_after=CONVERSATION_IDLE_SECONDS,
    )
    directory.register(
        HouseActor,
        lambda key: HouseActor(
            key,
            directory=directory,
            clock=clock,
            keep_messages=timedelta(days=settings.keep_messages_days),
            keep_crisis=timedelta(hours=settings.keep_crisis_hours),
        ),
        idle_after=None,
    )
