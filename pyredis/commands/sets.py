"""Sets: their members, one by one and at random. What combines sets is in `set_algebra`.

What was drawn at random propagates by name: SPOP as SREM, or as the deletion of the key when nothing is left.
"""

from pyredis.commands.scanning import EMPTY, ScanOptions, ScanReply, read_cursor, reply
from pyredis.datatypes.numeric import INT64_MAX
from pyredis.datatypes.sampling import MOST_DRAWS, draws, pick, sample
from pyredis.datatypes.set import Set
from pyredis.datatypes.set_operations import union
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import integer, integer_between
from pyredis.engine.command_table.command import DENYOOM, FAST, READONLY, WRITE, Keys, command
from pyredis.engine.execution.propagation import Propagation
from pyredis.errors import OUT_OF_RANGE, CommandError, syntax_error
from pyredis.keyspace import events
from pyredis.protocol.replies import NO_REPLY, NoReply, Unordered

_BATCH = 1024  # members of one propagated SREM
_FEW_LEFT = 5  # SPOP builds the set anew when it takes at least this many times what it leaves


@command(
    "SADD",
    flags=WRITE | DENYOOM | FAST,
    group="set",
    since="1.0.0",
    complexity="O(N) in the number of members to add",
    keys=[Keys(1, "RW insert")],
)
def sadd(ctx: Client, key: bytes, member: bytes, *members: bytes) -> int:
    """SADD key member [member ...]

    Adds members to a set; answers how many are new.
    """
    db = ctx.db
    found = db.take_as(key, Set)
    if found is not None and not members and not isinstance(found.members, dict):
        added = int(found.members.set(member, True))
        if added:
            db.changed(key, events.SADD)
        return added
    most = ctx.engine.limits.set
    if found is None:
        found = Set.for_member(member, 1 + len(members), most)
        added = found.add_many((member, *members), most)
        db.put(key, found, events.SADD, added)
        return added
    if members:
        added = found.add_many((member, *members), most)
    else:
        added = int(found.add(member, most))
    if added:
        db.changed(key, events.SADD, added)
    return added


@command(
    "SREM",
    flags=WRITE | FAST,
    group="set",
    since="1.0.0",
    complexity="O(N) in the number of members to remove",
    keys=[Keys(1, "RW delete")],
)
def srem(ctx: Client, key: bytes, member: bytes, *members: bytes) -> int:
    """SREM key member [member ...]

    Removes members, and the set with its last one; answers how many there were.
    """
    found = ctx.db.take_as(key, Set)
    if found is None:
        return 0
    removed = found.remove_many((member, *members))
    if removed:
        ctx.db.shrunk(key, found, events.SREM, removed)
    return removed


@command(
    "SMOVE",
    flags=WRITE | FAST,
    group="set",
    since="1.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RW access delete"), Keys(2, "RW insert")],
)
def smove(ctx: Client, source: bytes, destination: bytes, member: bytes) -> int:
    """SMOVE source destination member

    Moves a member from one set to another; answers whether it was there.
    """
    db = ctx.db
    if db.take(source) is None:
        db.take(destination)
        return 0
    giver, taker = db.take_as(source, Set), db.take_as(destination, Set)
    assert giver is not None
    if giver is taker:
        return int(member in giver)
    if not giver.remove(member):
        return 0
    db.shrunk(source, giver, events.SREM)
    most = ctx.engine.limits.set
    if taker is None:
        taker = Set.for_member(member, 1, most)
        taker.add(member, most)
        db.put(destination, taker, events.SADD)
    elif taker.add(member, most):
        db.changed(destination, events.SADD)
    return 1


@command("SCARD", flags=READONLY | FAST, group="set", since="1.0.0", complexity="O(1)", keys=[Keys(1, "RO")])
def scard(ctx: Client, key: bytes) -> int:
    """SCARD key

    Counts the members of a set.
    """
    found = ctx.db.get_as(key, Set)
    return 0 if found is None else len(found)


@command("SISMEMBER", flags=READONLY | FAST, group="set", since="1.0.0", complexity="O(1)", keys=[Keys(1, "RO")])
def sismember(ctx: Client, key: bytes, member: bytes) -> int:
    """SISMEMBER key member

    Tells whether a set has a member.
    """
    found = ctx.db.get_as(key, Set)
    return int(found is not None and member in found.members)


@command(
    "SMISMEMBER",
    flags=READONLY | FAST,
    group="set",
    since="6.2.0",
    complexity="O(N) in the number of members asked for",
    keys=[Keys(1, "RO access")],
)
def smismember(ctx: Client, key: bytes, member: bytes, *members: bytes) -> list[int]:
    """SMISMEMBER key member [member ...]

    Tells for each member whether the set has it.
    """
    found = ctx.db.get_as(key, Set)
    if found is None:
        return [0] * (1 + len(members))
    return [*map(int, found.has((member, *members)))]


@command(
    "SMEMBERS",
    flags=READONLY,
    group="set",
    since="1.0.0",
    complexity="O(N) in the number of members",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output_order"],
)
def smembers(ctx: Client, key: bytes) -> Unordered:
    """SMEMBERS key

    Answers all members of a set.
    """
    found = ctx.db.get_as(key, Set)
    return Unordered(() if found is None else found.in_order())


@command(
    "SSCAN",
    flags=READONLY,
    group="set",
    since="2.8.0",
    complexity="O(1) for a call, O(N) for a whole walk of N members",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output"],
)
def sscan(ctx: Client, key: bytes, cursor: bytes, *words: bytes) -> ScanReply:
    """SSCAN key cursor [MATCH pattern] [COUNT count]

    Walks the members of a set step by step.
    """
    position = read_cursor(cursor)
    found = ctx.db.get_as(key, Set)
    if found is None:
        return EMPTY
    options = ScanOptions(words)
    if isinstance(found.members, dict):
        return reply(0, options.select(found.in_order()))
    position, members = found.members.scan(position, options.count)
    return reply(position, options.select(members))


# At random


@command(
    "SRANDMEMBER",
    flags=READONLY,
    group="set",
    since="1.0.0",
    complexity="O(N) in the number of members answered",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output"],
)
def srandmember(ctx: Client, key: bytes, *words: bytes) -> bytes | list[bytes] | NoReply | None:
    """SRANDMEMBER key [count]

    Answers a random member, or some: different ones, or with a negative count each one of all.
    """
    count = _member_count(words) if words else None
    found = ctx.db.get_as(key, Set)
    if found is None:
        return None if count is None else []
    random = ctx.engine.random
    if count is None:
        return pick(found.members, random)
    if not ctx.may_have(-count):
        return NO_REPLY
    if count < -MOST_DRAWS:
        raise CommandError(OUT_OF_RANGE)
    if count >= len(found):
        return found.in_order()
    return sample(found.members, count, random) if count >= 0 else draws(found.members, -count, random)


def _member_count(words: tuple[bytes, ...]) -> int:
    if len(words) > 1:
        raise syntax_error()
    count = integer(words[0])
    if count < -INT64_MAX:
        raise CommandError(b"value is out of range, value must between %d and %d" % (-INT64_MAX, INT64_MAX))
    return count


@command(
    "SPOP",
    flags=WRITE | FAST,
    group="set",
    since="1.0.0",
    complexity="O(N) in the number of members taken",
    keys=[Keys(1, "RW access delete")],
    tips=["nondeterministic_output"],
)
def spop(ctx: Client, key: bytes, *words: bytes) -> bytes | Unordered | None:
    """SPOP key [count]

    Takes a random member, or some, from a set.
    """
    if words:
        return _pop_some(ctx, key, words)
    found = ctx.db.take_as(key, Set)
    if found is None:
        return None
    member = pick(found.members, ctx.engine.random)
    found.remove(member)
    ctx.db.shrunk(key, found, events.SPOP)
    ctx.rewritten = (b"SREM", key, member)
    return member


def _pop_some(ctx: Client, key: bytes, words: tuple[bytes, ...]) -> Unordered:
    if len(words) > 1:
        raise syntax_error()
    count = integer_between(words[0], 0, INT64_MAX, b"value is out of range, must be positive")
    found = ctx.db.take_as(key, Set)
    if found is None or not count:
        return Unordered(())
    if count >= len(found):
        return _pop_all(ctx, key, found)
    taken = sample(found.members, count, ctx.engine.random)
    if (len(found) - count) * _FEW_LEFT > count:
        found.remove_many(taken)
    else:
        gone = {*taken}
        found.reduce([member for member in found.in_order() if member not in gone], ctx.engine.limits.set)
    ctx.db.changed(key, events.SPOP, count)
    propagation = ctx.engine[Propagation]
    with propagation.transaction():
        for start in range(0, count, _BATCH):
            propagation.send(ctx.db.index, (b"SREM", key, *taken[start : start + _BATCH]))
    ctx.rewritten = ()
    return Unordered(taken)


def _pop_all(ctx: Client, key: bytes, found: Set) -> Unordered:
    taken = union([found], ctx.engine.limits.set).members
    ctx.db.shrunk(key, (), events.SPOP, len(taken))
    ctx.rewritten = (b"UNLINK" if ctx.engine.config["lazyfree-lazy-server-del"] else b"DEL", key)
    return Unordered(taken)
