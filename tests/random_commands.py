"""Random commands by COMMAND DOCS, the same for the same seed: right ones, nearly right ones and wrong ones.

An argument is drawn by its name and its type, as the documentation tells them; then a line without times may be
spoiled: a word is dropped, doubled, exchanged or replaced. Keys have names by group ("list:1"), and one in some is of
another group.

Left out is what ends or stops a server, changes what connections are, or waits for long. Times that are given lie far
ahead or behind, so that two servers see the same keys expired.
"""

LEFT_OUT = {
    *("shutdown", "debug", "monitor", "sync", "psync", "replicaof", "slaveof", "failover", "migrate", "replconf"),
    *("quit", "reset", "hello", "auth", "subscribe", "psubscribe", "ssubscribe", "restore-asking", "pfselftest"),
    *("save", "bgsave", "bgrewriteaof", "client|reply", "client|pause", "client|kill", "client|tracking"),
    *("client|no-touch", "client|caching", "config|set", "config|rewrite", "acl|load", "acl|save", "acl|setuser"),
    *("acl|deluser", "script|debug", "script|kill", "function|kill", "module|load", "module|loadex", "module|unload"),
    *("wait", "waitaof", "memory|malloc-stats", "memory|doctor", "lolwut", "swapdb", "acl|log", "cluster|meet"),
}
MEMBERS = ["a", "b", "c", "d", "1", "2", "3.5", "", "x" * 70, "\x00\xff", "-1", "10", "abc", "[a", "(b", "+", "-"]
INTEGERS = ["0", "1", "2", "3", "5", "10", "-1", "-2", "-5", "100", "1000"]
LONGEST = ["9223372036854775807", "-9223372036854775808", "9223372036854775808"]
WRONG_INTEGERS = ["x", "", "1.5", " 1", "01", "1e3", *LONGEST]
DOUBLES = ["0", "1", "-1", "2.5", "-0.5", "1e3", "inf", "-inf", "13.36", "38.11", "100"]
WRONG_DOUBLES = ["nan", "x", "", "1e400", "0x10", "(1", " 2"]
PATTERNS = ["*", "?", "a*", "[a-c]", "list:*", "x*x", "", "\\", "[", "hash:?"]
AHEAD = ["100000", "999999", "4000000000"]
BEHIND = ["0", "-1", "x", "", "9223372036854775807", "-9223372036854775808"]
TIMES = {"seconds", "milliseconds", "ttl", "timeout"}
UNIX_TIMES = ["4000000000", "1", "4000000000000", "0", "-5", "x", "9223372036854775807"]
SCRIPTS = [
    "return 1",
    "return redis.call('get', KEYS[1])",
    "return {1, 'a', {2}, false}",
    "return redis.error_reply('SOME thing')",
    "return {err='x'}",
    "return redis.pcall('incr', KEYS[1])",
    "redis.call('set', KEYS[1], ARGV[1]) return redis.status_reply('FINE')",
    "return bad(",
    "return redis.call('nothing')",
    "return {double=3.5}",
    "redis.setresp(3) return redis.call('hgetall', KEYS[1])",
]
LIBRARIES = [
    "#!lua name=lib\nredis.register_function('f', function(keys, args) return args[1] end)",
    "#!lua name=lib2\nredis.register_function{function_name='g', callback=print, flags={'no-writes'}}",
    "#!lua name=lib\nbad(",
    "no shebang",
]
IDS = ["0", "1-1", "1-2", "2-0", "3", "5-5", "$", ">", "-", "+", "(1-1", "x", "0-0", "18446744073709551615-1", "7-*"]
BY_NAME = {
    "id": IDS, "start": [*IDS, *INTEGERS, "-", "+", "[a", "(b"], "end": [*IDS, *INTEGERS, "+", "-", "[c", "inf"],
    "min": ["-inf", "0", "1", "(1", "-", "[a", "+", "x"], "max": ["+inf", "5", "(5", "+", "[d", "-", "x"],
    "seconds": AHEAD + BEHIND, "milliseconds": AHEAD + BEHIND, "ttl": AHEAD + BEHIND, "timeout": ["0.01", "-1", "x"],
    "script": SCRIPTS, "function-code": LIBRARIES, "function": ["f", "g", "none"], "library-name": ["lib", "lib2", "x"],
    "serialized-value": ["", "x", "\x00\x01a\x0b\x00" + "\x00" * 8, "\x00\xc0\x01\x0b\x00_\x9d\x17"],
    "group": ["g1", "g2", "none"], "consumer": ["c1", "c2"], "db": ["0", "9", "16", "x"], "destination-db": ["9", "16"],
    "threshold": ["2", "100", "0", "1-1", "x"], "offset": ["0", "7", "100", "#2", "x"], "encoding": ["u8", "i5", "u64"],
    "username": ["default", "nobody"], "category": ["string", "x"], "section": ["server", "keyspace", "x"],
    "longitude": DOUBLES, "latitude": DOUBLES, "path": ["1", "x"], "command-name": ["get", "xadd", "config|get", "x"],
    "sha1": ["e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "x"], "index": ["0", "1", "-1", "5", "x"],
    "lastid": IDS, "block": ["1"], "min-idle-time": ["0", "-1", "x", "100000"], "ms": ["0", "-5", "x"],
}  # fmt: skip


GROUPS = ["string", "list", "hash", "set", "sorted-set", "stream", "geo", "module", "bitmap"]


class RandomCommands:
    """Lines of words. `docs` is COMMAND DOCS: name → facts, of which subcommands and arguments matter."""

    def __init__(self, docs, random):
        self.random = random
        self.rows = {name: facts for name, facts in _flat(docs) if name.lower() not in LEFT_OUT}
        self.names = sorted(self.rows)
        self.waiting = {name for name in self.names if "timeout" in _names(self.rows[name].get("arguments", ()))}
        self.group = ""
        self.timed = False  # has a time been drawn
        self.count = None  # of what follows, once numkeys or the like has told it

    def line(self):
        """The words of a command; one that may wait only now and then, since that takes a tenth of a second."""
        name = self.random.choice(self.names)
        while name in self.waiting and self.random.random() < 0.95:
            name = self.random.choice(self.names)
        facts = self.rows[name]
        self.group = facts["group"]
        self.count = None
        self.timed = name in self.waiting
        words = name.upper().split("|")
        for argument in facts.get("arguments", ()):
            words += self._argument(argument)
        if name.startswith("V"):
            words += self._vector_words()
        if self.random.random() < 0.25 and not self.timed:
            self._spoil(words)
        if words[0] == "CLIENT":  # where Redis takes a name that no line of CLIENT LIST can hold
            words = [word.replace("\0", "") for word in words]
        if name.startswith("V"):  # of which Redis 8.2 dies
            words = ["x" if word in LONGEST else word for word in words]
        return words

    def _spoil(self, words):
        at = self.random.randrange(1, len(words) + 1)
        how = self.random.randrange(4)
        if how == 0:
            del words[at : at + 1]
        elif how == 1:
            words.insert(at, self.random.choice(words))
        elif how == 2 and at < len(words):
            words[at] = self._wrong()
        elif len(words) > 2:
            words[at - 1 : at] = [] if at == 1 else [words[self.random.randrange(1, len(words))]]

    def _wrong(self):
        return self.random.choice([*WRONG_INTEGERS, *MEMBERS, "NX", "COUNT", "LIMIT", "WITHSCORES"])

    def _argument(self, argument):
        flags = argument.get("flags", ())
        if "optional" in flags and self.random.random() < 0.6:
            return []
        times = self._times() if "multiple" in flags else 1
        token = argument.get("token")
        words = []
        for turn in range(times):
            if token is not None and (turn == 0 or "multiple_token" in flags):
                words += [token] if token else []
            if argument["type"] != "pure-token":
                words += self._value(argument)
        return words

    def _times(self):
        count, self.count = self.count, None
        return count if count is not None and self.random.random() < 0.9 else self.random.choice([1, 1, 2, 3])

    def _value(self, argument):
        kind, name = argument["type"], argument["name"].lower()
        if kind == "block":
            return [word for inner in argument["arguments"] for word in self._argument(inner)]
        if kind == "oneof":
            return self._argument(self.random.choice(argument["arguments"]))
        if kind == "key":
            return [self.key()]
        if name in ("numkeys", "numfields", "numids") and self.random.random() < 0.95:
            self.count = self.random.choice([1, 1, 2, 3])
            return [str(self.count)]
        if argument.get("token") == "BLOCK":
            return [self.random.choice(["1", "-1", "x"])]
        self.timed |= name in TIMES or kind == "unix-time"
        if name in BY_NAME:
            return [self.random.choice(BY_NAME[name])]
        return [self._by_type(kind)]

    def _by_type(self, kind):
        draw, wrong = self.random.choice, self.random.random() < 0.1
        if kind == "integer":
            return draw(WRONG_INTEGERS if wrong else INTEGERS)
        if kind == "double":
            return draw(WRONG_DOUBLES if wrong else DOUBLES)
        if kind == "unix-time":
            return draw(UNIX_TIMES)
        return draw(PATTERNS if kind == "pattern" else MEMBERS)

    def key(self):
        """A key, mostly of the group's own."""
        group = self.group
        if group in ("generic", "connection", "scripting", "server") or self.random.random() < 0.06:
            group = self.random.choice(GROUPS)
        return f"{group}:{self.random.randrange(3)}"

    def _vector_words(self):
        draw = self.random.choice
        pool = [
            *(["VALUES", "2", draw(DOUBLES), draw(DOUBLES)], ["ELE", draw(MEMBERS)], [draw(MEMBERS)], [draw(INTEGERS)]),
            *(["WITHSCORES"], ["COUNT", draw(INTEGERS)], ["SETATTR", '{"n":1}'], ["FILTER", ".n>0"], ["RAW"]),
        ]
        words = [self.key()]
        if self.random.random() < 0.7:
            words += pool[0] if self.random.random() < 0.7 else pool[1]
        for _ in range(self.random.randrange(3)):
            words += draw(pool[2:])
        return words


def _flat(docs):
    for name, facts in docs.items():
        if facts.get("subcommands"):
            yield from facts["subcommands"].items()
        else:
            yield name, facts


def _names(arguments):
    return {argument["name"] for argument in arguments}
