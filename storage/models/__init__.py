"""The tables.  The founding fourteen stand in `core` and `living`, ours in `house`.

Rule 1: `user_id` is the key of a row of `users`; a bare `guild_id` or `channel_id` is a Discord id
(but `guild_members`, which joins two tables, has the keys of both).
Rule 2: everything of a person goes when their row of `users` goes.
Rule 3: where NULL means "direct message" or "global", there is one NULL row, not many.
"""

from storage.models.columns import Base
from storage.models.core import (
    Conversation,
    Guild,
    GuildMember,
    Message,
    User,
    UserFact,
    UserPreference,
)
from storage.models.house import (
    CareCount,
    CareState,
    Channel,
    ModelUsage,
    Setting,
    Tombstone,
    Watermark,
)
from storage.models.living import (
    BotOpinion,
    BotState,
    FactAssociation,
    MoodHistory,
    ScheduledEvent,
    UserCommunicationStyle,
    UserRelationship,
)

__all__ = [
    "Base",
    "BotOpinion",
    "BotState",
    "CareCount",
    "CareState",
    "Channel",
    "Conversation",
    "FactAssociation",
    "Guild",
    "GuildMember",
    "Message",
    "ModelUsage",
    "MoodHistory",
    "ScheduledEvent",
    "Setting",
    "Tombstone",
    "User",
    "UserCommunicationStyle",
    "UserFact",
    "UserPreference",
    "UserRelationship",
    "Watermark",
]
