"""What an actor loads when it wakes.

Rule 1: times come back aware and in UTC, from either database.
Rule 2: what is loaded for a person is theirs; what may be shown where is decided by the actor that
asked, from the scope that every fact and message carries.
"""

from storage.reads.conversations import load_conversation, load_owed
from storage.reads.house import load_channels, load_mood, load_opinions, load_setting
from storage.reads.people import load_memory, load_person

__all__ = [
    "load_channels",
    "load_conversation",
    "load_memory",
    "load_mood",
    "load_opinions",
    "load_owed",
    "load_person",
    "load_setting",
]
