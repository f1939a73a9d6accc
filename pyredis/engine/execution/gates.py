"""Which gates stand between a command and its execution, as bits.

A client's word and the engine's word are both zero on the plain path, so that one test skips all of them. Whoever
changes such a state (AUTH, MULTI, CONFIG SET, CLIENT PAUSE, …) sets or clears its bit.
"""

# The client's word
UNAUTHENTICATED = 1
IN_TRANSACTION = 2
REPLY_MODE = 4
CLOSING = 8
SUBSCRIBED = 32  # it listens to channels
TRACKING = 64  # it is told when keys change that it read
MONITORING = 128  # it is shown every command
NO_TOUCH = 16  # its commands leave access times alone
RESTRICTED = 1 << 20  # there is something its user may not do

# The engine's word
MONITORED = 1 << 8
TIMED = 1 << 9  # each command is timed on its own: the slow log's threshold is below what a batch can tell
PAUSED = 1 << 10
PROPAGATING = 1 << 11
LOADING = 1 << 12
TRACKED = 1 << 14  # some client tracks keys
WAITED_FOR = 1 << 13  # clients are blocked on keys
OVER_LIMIT = 1 << 18  # more memory is used than `maxmemory`
FEW_REPLICAS = 1 << 19  # fewer than `min-replicas-to-write`
DISK_ERROR = 1 << 16  # writes cannot be made durable
BUSY = 1 << 15  # a script overruns: only what may run beside it does

WATCHES_CALLS = TRACKING | NO_TOUCH | MONITORED | PROPAGATING
"""Somebody is told of a command that ran, or it runs with a difference."""
