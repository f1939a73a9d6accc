"""Errors show words as C prints them: up to the first NUL."""

import json

from pytest import mark

LINES = r"""
["XGROUP","\u0000x"]
["XGROUP","CREATE","\u0000x"]
["\u0000x","a\u0000b","c"]
["COMMAND","\u0000x"]
["XREADGROUP","GROUP","a\u0000b","c","STREAMS","d\u0000e",">"]
["XACK","d\u0000e","a\u0000b","1-1"]
["XCLAIM","d\u0000e","a\u0000b","c","0","1-1"]
["XINFO","CONSUMERS","t","a\u0000b"]
["XGROUP","DELCONSUMER","t","a\u0000b","c"]
["XPENDING","t","a\u0000b"]
["XAUTOCLAIM","t","a\u0000b","c","0","0"]
["XGROUP","SETID","t","a\u0000b","0"]
["ACL","CAT","a\u0000b"]
["ACL","DRYRUN","a\u0000b","get"]
["ACL","DRYRUN","default","a\u0000b"]
["CLIENT","LIST","TYPE","a\u0000b"]
["CLIENT","KILL","USER","a\u0000b"]
["CLIENT","SETINFO","x\u0000y","a\u0000b c"]
["HELLO","2","FOO\u0000x","a\u0000b c"]
["HEXPIRE","h","1","N\u0000","FIELDS","1","a"]
["EXPIRE","h","1","N\u0000x"]
["HSETEX","h","F\u0000x","1","a","b"]
["LATENCY","GRAPH","a\u0000b"]
["LATENCY","a\u0000b"]
["SLOWLOG","a\u0000b"]
["SLOWLOG","GET","a\u0000b"]
["OBJECT","a\u0000b"]
["CONFIG","SET","a\u0000b","1"]
["CONFIG","SET","maxmemory","a\u0000b"]
["CONFIG","SET","appendonly","a\u0000b"]
["FUNCTION","DELETE","a\u0000b"]
["FCALL","a\u0000b","0"]
["XADD","t","NOMKSTREAM","a\u0000b","x","y"]
["XCLAIM","t","g","c","0","1-1","F\u0000x"]
["BITOP","N\u0000x","a","b"]
["BITFIELD","a","GET","u8\u0000","0"]
["CLUSTER","a\u0000b"]
["SORT","a","F\u0000b"]
["SET","a","b","F\u0000b"]
["RESTORE","a","0","\u0000b"]
["GEOADD","geo","1","x\u0000","a"]
["INCRBYFLOAT","q","1\u0000"]
""".strip().splitlines()
OTHERS = r"""
["XDELEX","s","IDS","1","1-1","IDS"]
["XDELEX","s","IDS","1","1-1","IDS","1"]
["XDELEX","s","IDS","1","1-1","IDS","x"]
["XDELEX","s","KEEPREF","IDS","x"]
["XDELEX","s","KEEPREF","IDS","1"]
["XDELEX","s","KEEPREF","IDS","0"]
["XDELEX","s","IDS","0","1"]
["XDELEX","s","IDS","1","x"]
["XDELEX","s","IDS","1"]
["XDELEX","s","FOO","1","1-1"]
["XDELEX","s","KEEPREF","FOO","1","1-1"]
["XDELEX","s","KEEPREF","IDS","2","1-1"]
["XDELEX","s","KEEPREF","IDS","1","1-1", "2-1"]
["XDELEX","s","IDS","1","1-1", "KEEPREF"]
["XDELEX","s","IDS","1","1-1", "IDS", "1", "2-2"]
["XDELEX","s","KEEPREF","DELREF","IDS","1","1-1"]
["XDELEX","t","IDS","1","1-1", "IDS", "1", "2-2"]
["XACKDEL","s","g","KEEPREF","IDS","x"]
["XACKDEL","s","g","KEEPREF","IDS","1"]
["XACKDEL","s","g","KEEPREF","IDS","0"]
["XACKDEL","s","g","IDS","0","1"]
["XACKDEL","s","g","IDS","1","x"]
["XACKDEL","s","g","IDS","1"]
["XACKDEL","s","g","FOO","1","1-1"]
["XACKDEL","s","g","KEEPREF","FOO","1"]
["XACKDEL","s","g","KEEPREF","IDS","2","1-1"]
["XACKDEL","s","g","IDS","1","1-1","IDS"]
["HSETEX","h","PX","1000","FIELDS","x","y"]
["HSETEX","h","FIELDS","x","y"]
["HSETEX","h","FIELDS","x","y","z"]
["HSETEX","h","PX","1000","FIELDS","x","y","z"]
["HSETEX","h","PX","1000","FIELDS","0","y","z"]
["HSETEX","h","PX","1000","FIELDS","1","y"]
["HSETEX","h","PX","1000","FIELDS","0","y"]
["HSETEX","h","PX","1000","FIELDS","1"]
["HSETEX","h","PX","1000","FIELDS"]
["HSETEX","h","PX","1000","FNX", "KEEPTTL"]
["HSETEX","h","PX","1000","FNX", "FIELDS"]
["HSETEX","h","FIELDS","1","a","b","PX","1000"]
["HSETEX","h","FIELDS","1","a","b","PX"]
["HSETEX","h","FIELDS","1","a","b","c"]
["HSETEX","h","FIELDS","1","a","b","FIELDS","1","a","b"]
["HSETEX","h","FIELDS","1","a","b","FIELDS"]
["HSETEX","h","KEEPTTL","FIELDS","1"]
["HSETEX","h","FNX","FIELDS","1","a"]
["HSETEX","h","FNX","FIELDS","1","a","b","c"]
["HSETEX","h","FNX","FIELDS","2","a","b","c"]
["HGETEX","h","PX","1000","FIELDS","x"]
["HGETEX","h","PX","1000","FIELDS"]
["HGETEX","h","FIELDS","x","y"]
["HGETEX","h","FIELDS","1","a","FIELDS"]
["HGETEX","h","FIELDS","1","a","FIELDS","1"]
["HGETEX","h","PX","1000","FIELDS","x","y"]
["HGETEX","h","PX","1000","FIELDS","1"]
["HGETDEL","h","FIELDS","1"]
["HGETDEL","h","FIELDS","x","y"]
["HGETDEL","h","FIELDS","x"]
["HGETDEL","h","FIELDS","1","x","y"]
["HEXPIRE","h","10","FIELDS","x"]
["HEXPIRE","h","10","FIELDS","x","y"]
["HEXPIRE","h","10","FIELDS","1"]
["HEXPIRE","h","10","NX","FIELDS","1"]
["HTTL","h","FIELDS","1"]
["HTTL","h","FIELDS","x","y"]
""".strip().splitlines()


@mark.parametrize("line", LINES)
def test_words_end_at_a_nul(both, line):
    both("XADD", "t", "1-1", "a", "b")
    both(*json.loads(line))


@mark.parametrize("line", OTHERS)
def test_counts_of_what_follows_are_judged_in_redis_s_order(both, line):
    both(*json.loads(line))


def test_an_unknown_subcommand_of_command_is_not_queued(both):
    both("MULTI")
    both("COMMAND", "d")
    both("EXEC")
    both("COMMAND", "d")
    both("ACL", "DRYRUN", "default", "COMMAND", "x")
