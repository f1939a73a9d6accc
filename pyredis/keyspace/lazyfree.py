"""What Redis would leave to its background thread: objects that are laborious to free, as INFO counts them.

Here everything large is freed in slices (`datatypes.dismantling`), whatever command removed it; UNLINK, FLUSHALL ASYNC
and the parameters `lazyfree-lazy-…` only decide what counts as `lazyfreed_objects` and what propagates.
"""

from typing import Any

from pyredis.datatypes.hash import Hash
from pyredis.datatypes.list import List
from pyredis.datatypes.quicklist import Quicklist
from pyredis.datatypes.set import HASHTABLE, Set
from pyredis.datatypes.sorted_set import SortedSet
from pyredis.datatypes.stream import Stream

THRESHOLD = 64


def effort(value: Any) -> int:
    """About how many pieces of memory the value is in Redis; small encodings are one (Redis's `lazyfree.c`)."""
    match value:
        case Hash() if not isinstance(value.fields, dict):
            return len(value)
        case Set() if value.encoding is HASHTABLE:
            return len(value)
        case SortedSet() if value.is_large:
            return len(value)
        case List(form=Quicklist() as form):
            return len(form.nodes)
        case Stream():
            groups = list(value.groups.values())
            return value.tree_nodes() + (len(groups) * (1 + len(groups[0].deliveries)) if groups else 0)
    return 1


def is_laborious(value: Any) -> bool:
    """Whether Redis frees the value in the background where it may."""
    return value.__class__ is not bytes and effort(value) > THRESHOLD
