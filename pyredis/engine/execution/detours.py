"""Why a command leaves the plain path though it may run: bits beside `gates` in the words of client and engine."""

# The client's word
REPLY_MODE = 4
CLOSING = 8
NO_TOUCH = 16  # its commands leave access times alone
TRACKING = 64  # it is told when keys change that it read
DEBUGGED = 1 << 26  # it steps through a script: what it sends is for the debugger
ASKING = 1 << 25  # its next command may ask for keys of a slot that is only being imported

# The engine's word
MONITORED = 1 << 8
TIMED = 1 << 9  # each command is timed on its own: the slow log's threshold is below what a batch can tell
WAITED_FOR = 1 << 13  # clients are blocked on keys
TRACKED = 1 << 14  # some client tracks keys
MEASURED = 1 << 11  # somebody hears what each command took: `Engine.meter`

OBSERVED_CALLS = TRACKING | NO_TOUCH | MONITORED
"""Somebody is told of a command that ran, or it runs with a difference."""
