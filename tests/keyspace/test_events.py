"""What each event means to WATCH, to clients that wait, and to who subscribed to events."""

from pyredis.engine.roster import Clients
from pyredis.keyspace import events
from pyredis.keyspace.events import Event
from tests.observed import Observed, ask

ALL = {name: value for name, value in vars(events).items() if isinstance(value, Event)}
CLASSES = set("g$lshzxetnmoc") | {""}


def test_every_event_is_of_a_class_that_can_be_subscribed_to_or_has_no_name():
    assert {event.kind for event in ALL.values()} <= CLASSES
    assert all(bool(event.name) is bool(event.kind) for event in ALL.values())


def test_names_are_told_apart():
    named = [event.name for event in ALL.values() if event.name]
    assert len(named) == len(set(named))


def test_what_is_no_change_of_a_watched_key():
    """As Redis's `signalModifiedKey`: groups of a stream and a read that missed are none."""
    quiet = {name for name, event in ALL.items() if not event.modifies}
    assert quiet == {
        "KEY_MISS",
        "XSETID",
        "XGROUP_CREATE",
        "XGROUP_SETID",
        "XGROUP_CREATECONSUMER",
        "XGROUP_DELCONSUMER",
        "XGROUP_DESTROY",
    }


def test_a_watch_is_touched_by_what_modifies_only():
    for lines, is_touched in (
        (["XGROUP CREATE s g $"], False),
        (["XGROUP CREATECONSUMER s h c"], False),
        (["XREADGROUP GROUP h c STREAMS s >"], False),
        (["XGROUP DESTROY s h"], False),
        (["XTRIM s MAXLEN 0"], True),
        (["GET nosuch"], False),
        (["XADD s 2-1 a b"], True),
    ):
        observed = Observed()
        other = observed.engine[Clients].connect()
        ask(observed.client, "XADD s 1-1 a b", "XGROUP CREATE s h $", "WATCH s nosuch")
        ask(other, *lines)
        assert (ask(observed.client, "MULTI", "EXEC") == b"+OK\r\n*-1\r\n") is is_touched, lines
