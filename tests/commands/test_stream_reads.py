"""Waiting for what is new in streams: scenes as the real server plays them."""

from pytest import mark

from tests.engine.execution.test_blocking import play
from tests.oracle import Recording

GROUP = "a: XGROUP CREATE s g $ MKSTREAM"
WAITING = f"{GROUP} | b: XREADGROUP GROUP g c BLOCK 0 STREAMS s > &"

SCENES = {
    "what is new": "b: XREAD BLOCK 0 STREAMS s $ & | a: XADD s 1 f v | b: ?",
    "behind the last": "a: XADD s 1 f v | b: XREAD BLOCK 0 STREAMS s $ & | a: XADD s 2 f v | b: ?",
    "the last of none": "b: XREAD BLOCK 0 STREAMS s + & | a: XADD s 2 f v | b: ?",
    "the last of an emptied one": """
        a: XADD s 1 f v | a: XDEL s 1 | b: XREAD BLOCK 0 STREAMS s + & | a: XADD s 2 f v | b: ?""",
    "two streams": "b: XREAD BLOCK 0 STREAMS s t $ $ & | a: XADD t 2 f v | b: ?",
    "several at once": """
        b: XREAD BLOCK 0 STREAMS s $ & | c: XREAD BLOCK 0 COUNT 1 STREAMS s 0 & | a: MULTI | a: XADD s 2 f v
        | a: XADD s 3 f v | a: EXEC | b: ? | c: ?""",
    "not far enough": "b: XREAD BLOCK 0 STREAMS s 5 & | a: XADD s 3 f v | a: XADD s 6 f v | b: ?",
    "deleted and made anew": """
        a: XADD s 5 f v | b: XREAD BLOCK 0 STREAMS s $ & | a: DEL s | a: XADD s 3 f v | a: XADD s 6 f v | b: ?""",
    "another type": "b: XREAD BLOCK 0 STREAMS s $ & | a: SET s x | a: DEL s | a: XADD s 1 f v | b: ?",
    "a copy": "a: XADD t 1 f v | b: XREAD BLOCK 0 STREAMS s 0 & | a: COPY t s | b: ?",
    "added and deleted": """
        b: XREAD BLOCK 0 STREAMS s $ & | a: MULTI | a: XADD s 1 f v | a: XDEL s 1 | a: EXEC | a: XADD s 2 f v | b: ?""",
    "trimmed at once": "b: XREAD BLOCK 0 STREAMS s $ & | a: XADD s MAXLEN 0 1 f v | a: XADD s 2 f v | b: ?",
    "time is up": f"{GROUP} | b: XREAD BLOCK 10 STREAMS s $ | b: XREADGROUP GROUP g c BLOCK 10 STREAMS s >",
    "not in a transaction": f"""
        {GROUP} | b: MULTI | b: XREAD BLOCK 0 STREAMS s $ | b: XREADGROUP GROUP g c BLOCK 0 STREAMS s > | b: EXEC""",
    "a group": f"""
        {WAITING} | c: XREADGROUP GROUP g d BLOCK 0 STREAMS s > & | a: XADD s 1 f v | b: ? | a: XADD s 2 f v | c: ?
        | a: XPENDING s g""",
    "in the order of their coming": f"""
        {WAITING} | c: XREADGROUP GROUP g d BLOCK 0 STREAMS s > & | d: XREADGROUP GROUP g e BLOCK 0 STREAMS s > &
        | a: XSETID s 1 | a: XADD s 2 f v | b: ? | a: XADD s 3 f v | c: ? | a: XADD s 4 f v | d: ?""",
    "a group and a plain reader": f"{WAITING} | c: XREAD BLOCK 0 STREAMS s $ & | a: XADD s 1 f v | b: ? | c: ?",
    "the group goes": f"{WAITING} | a: XGROUP DESTROY s g | b: ?",
    "the stream goes": f"{WAITING} | a: DEL s | b: ?",
    "the stream becomes a string": f"{WAITING} | a: SET s x | b: ?",
    "all goes": f"{WAITING} | a: FLUSHDB | b: ?",
    "renamed": f"{WAITING} | a: RENAME s t | b: ?",
    "overwritten by another": f"{WAITING} | a: XGROUP CREATE t h $ MKSTREAM | a: RENAME t s | b: ?",
    "expired": f"{WAITING} | a: PEXPIRE s -1 | b: ?",
    "set back, which wakes nobody": """
        a: XADD s 1 f v | a: XADD s 2 f v | a: XGROUP CREATE s g $ | b: XREADGROUP GROUP g c BLOCK 0 STREAMS s > &
        | a: XGROUP SETID s g 0 | a: XADD s 3 f v | b: ?""",
    "one of two keys": f"""
        {GROUP} | a: XGROUP CREATE t g $ MKSTREAM | b: XREADGROUP GROUP g c BLOCK 0 STREAMS s t > > & | a: XADD t 1 f v
        | b: ?""",
    "history never waits": f"{GROUP} | b: XREADGROUP GROUP g c BLOCK 0 STREAMS s 0",
    "nothing pending": f"""
        {GROUP} | b: XREADGROUP GROUP g c BLOCK 0 NOACK STREAMS s > & | a: XADD s 1 f v | b: ? | a: XPENDING s g""",
    "unblocked": """
        b: XREAD BLOCK 0 STREAMS s $ & | a: CLIENT UNBLOCK @b | b: ? | b: XREAD BLOCK 0 STREAMS s $ &
        | a: CLIENT UNBLOCK @b ERROR | b: ?""",
    "arguments": """
        a: XREAD BLOCK -1 STREAMS s 0 | a: XREAD BLOCK x STREAMS s 0 | a: XREAD BLOCK 9223372036854775807 STREAMS s 0
        | a: XREADGROUP GROUP g c BLOCK 0 STREAMS s >""",
}


@mark.parametrize("resp", [2, 3])
@mark.parametrize("name", SCENES)
def test_scene(request, server, oracle, name, resp):
    with Recording(request, live=oracle is not None) as recording:
        ours = play(server.port, resp, SCENES[name])
        if oracle is not None:
            for reply in play(oracle, resp, SCENES[name]):
                recording.keep(reply)
        assert ours == (recording.replies or [])
