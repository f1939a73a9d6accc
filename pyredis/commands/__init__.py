"""The command families: one module each, one function a command.

`FAMILIES` is the index: which module a command is in. A family is imported when the first of its commands is asked for,
or when all are (COMMAND, ACL rules): a server that starts imports what it is asked, and the rest once it is at leisure.
"""

from importlib import import_module

from pyredis.engine.command_table.command import TABLE

FAMILIES = {
    "acl": "acl",
    "administration": "info lolwut shutdown time",
    "bitfields": "bitfield bitfield_ro",
    "bitmaps": "bitcount bitop bitpos getbit setbit",
    "blocking_lists": "blmove blmpop blpop brpop brpoplpush",
    "clients": "client",
    "cluster": "asking cluster readonly readwrite",
    "cluster_changes": "cluster",
    "cluster_debugging": "debug",
    "configuration": "config",
    "connection": "auth echo hello ping quit reset",
    "counters": "decr decrby incr incrby incrbyfloat",
    "databases": "dbsize flushall flushdb select swapdb",
    "debugging": "debug",
    "dumping": "dump restore restore-asking",
    "expiry": "expire expireat expiretime persist pexpire pexpireat pexpiretime pttl ttl",
    "functions": "fcall fcall_ro function",
    "generic": "copy del exists keys move randomkey rename renamenx scan touch type unlink",
    "geo": "geoadd geodist geohash geopos",
    "geo_searches": "georadius georadius_ro georadiusbymember georadiusbymember_ro geosearch geosearchstore",
    "hash_combined": "hgetdel hgetex hsetex",
    "hash_expiry": "hexpire hexpireat hexpiretime hpersist hpexpire hpexpireat hpexpiretime hpttl httl",
    "hashes": (
        "hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield hscan hset hsetnx "
        "hstrlen hvals"
    ),
    "hyperloglogs": "pfadd pfcount pfdebug pfmerge pfselftest",
    "introspection": "command",
    "list_moves": "lmove lmpop rpoplpush",
    "lists": "lindex linsert llen lpop lpos lpush lpushx lrange lrem lset ltrim rpop rpush rpushx",
    "memory": "memory",
    "migration": "migrate",
    "modules": "module",
    "monitoring": "latency monitor slowlog",
    "objects": "object",
    "persistence": "bgrewriteaof bgsave lastsave save",
    "pubsub": "psubscribe publish pubsub punsubscribe spublish ssubscribe subscribe sunsubscribe unsubscribe",
    "replication": "failover psync replconf replicaof role slaveof sync wait waitaof",
    "scripting": "eval eval_ro evalsha evalsha_ro script",
    "set_algebra": "sdiff sdiffstore sinter sintercard sinterstore sunion sunionstore",
    "sets": "sadd scard sismember smembers smismember smove spop srandmember srem sscan",
    "sorted_set_algebra": "zdiff zdiffstore zinter zintercard zinterstore zunion zunionstore",
    "sorted_set_pops": "bzmpop bzpopmax bzpopmin zmpop zpopmax zpopmin",
    "sorted_set_ranges": (
        "zcount zlexcount zrange zrangebylex zrangebyscore zrangestore zremrangebylex zremrangebyrank "
        "zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore"
    ),
    "sorted_sets": "zadd zcard zincrby zmscore zrandmember zrank zrem zrevrank zscan zscore",
    "sorting": "sort sort_ro",
    "stream_claims": "xautoclaim xclaim xpending",
    "stream_groups": "xack xackdel xgroup",
    "stream_info": "xinfo",
    "stream_reads": "xread xreadgroup",
    "streams": "xadd xdel xdelex xlen xrange xrevrange xsetid xtrim",
    "strings": "get getdel getex getset mget mset msetnx psetex set setex setnx",
    "substrings": "append getrange lcs setrange strlen substr",
    "tracking": "client",
    "transactions": "discard exec multi unwatch watch",
    "vector_search": "vlinks vsim",
    "vector_sets": "vadd vcard vdim vemb vgetattr vinfo vismember vrandmember vrem vsetattr",
}
"""By module, its commands; a command whose subcommands are in several modules is named by each."""


def _import(family: str) -> None:
    import_module(f"{__name__}.{family}")


TABLE.expect({family: names.split() for family, names in FAMILIES.items()}, _import)
