"""Which gates stand between a command and its execution, as bits of the client's and the engine's word `gates`.

Both words are zero on the plain path, so that one test skips everything. Whoever changes such a state (AUTH, MULTI,
CONFIG SET, CLIENT PAUSE, …) sets or clears its bit. `detours` has the other bits of the two words.
"""

# The client's word
UNAUTHENTICATED = 1
IN_TRANSACTION = 2
SUBSCRIBED = 32  # it listens to channels
MONITORING = 128  # it is shown every command, or fed the replication stream
RESTRICTED = 1 << 20  # there is something its user may not do

# The engine's word
PAUSED = 1 << 10
LOADING = 1 << 12
BUSY = 1 << 15  # a script overruns: only what may run beside it does
DISK_ERROR = 1 << 16  # writes cannot be made durable
OVER_LIMIT = 1 << 18  # more memory is used than `maxmemory`
FEW_REPLICAS = 1 << 19  # fewer than `min-replicas-to-write`

MASTER_GONE = 1 << 23  # a replica does not serve what may be old
ASYNC_LOADING = 1 << 24  # another dataset is loaded beside the one that is served

# In no word, for most commands do not meet them: `Engine.aside`
ROUTED = 1 << 21  # somebody tells whose keys are whose: plain commands ask it themselves
READ_ONLY = 1 << 22  # a replica's clients may not write: what writes is no plain command
