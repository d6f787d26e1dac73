"""Memory: one actor for each person, for what they told and what is drawn from it.

`actor.py` is the mailbox: what is heard, asked and forgotten.  `holdings.py` is what is in memory,
and how it is recalled.  `learning.py` is how facts are drawn from what was said.
"""

from actors.memory.actor import MemoryActor
from actors.memory.holdings import BAR, PERSON
from actors.memory.learning import FactsExtracted, LearningDue

__all__ = ["BAR", "PERSON", "FactsExtracted", "LearningDue", "MemoryActor"]
