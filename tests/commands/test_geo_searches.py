"""What is near: line by line as the real server answers, and all over the globe."""

import shlex
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest import mark

PREPARED = [
    "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania",
    "GEOADD g 12.758489 38.788135 edge1 17.241510 38.788135 edge2",
    "SET s x",
]

SCRIPTS = {
    "geosearch": """
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 KM DESC WITHDIST
        GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHCOORD WITHDIST WITHHASH
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS 200 km ASC WITHHASH
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS 0 m
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS 30000 km
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 500 mi COUNT 2
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 500 mi COUNT 2 ANY
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 500 mi COUNT 3 ANY DESC
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 500 mi DESC COUNT 1
        GEOSEARCH g FROMLONLAT 15 37 BYBOX 1 1 ft
        GEOSEARCH g BYRADIUS 200 km FROMLONLAT 15 37 ASC DESC
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 km BYRADIUS 200 km ASC
        GEOSEARCH g FROMMEMBER Palermo FROMMEMBER Catania BYRADIUS 200 km ASC
        GEOSEARCH none FROMLONLAT 15 37 BYRADIUS 200 km
        GEOSEARCH none FROMMEMBER a BYRADIUS 200 km
        GEOSEARCH none FROMMEMBER a BYRADIUS 200 foo
        GEOSEARCH g FROMMEMBER none BYRADIUS 200 km
        GEOSEARCH g FROMMEMBER Palermo FROMLONLAT 15 37 BYRADIUS 200 km
        GEOSEARCH g FROMLONLAT 15 37 FROMMEMBER Palermo BYRADIUS 200 km
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km BYBOX 1 1 km
        GEOSEARCH g FROMLONLAT 15 37 BYBOX 1 1 km BYRADIUS 200 km
        GEOSEARCH g FROMLONLAT 15 37 ASC COUNT 1
        GEOSEARCH g BYRADIUS 200 km ASC COUNT 1
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ANY
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 0
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT x
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS -1 km
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS x km
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 foo
        GEOSEARCH g FROMLONLAT 15 37 BYBOX -1 1 km
        GEOSEARCH g FROMLONLAT 15 37 BYBOX 1 -1 km
        GEOSEARCH g FROMLONLAT 15 37 BYBOX x 1 km
        GEOSEARCH g FROMLONLAT 15 37 BYBOX 1 x km
        GEOSEARCH g FROMLONLAT 15 37 BYBOX 1 1
        GEOSEARCH g FROMLONLAT 200 37 BYRADIUS 200 km
        GEOSEARCH g FROMLONLAT x 37 BYRADIUS 200 km
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km STORE n
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km foo
        GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km
        GEOSEARCH s foo foo foo foo foo
        GEOSEARCH g FROMLONLAT 15 37
    """,
    "geosearchstore": """
        GEOSEARCHSTORE n g FROMLONLAT 15 37 BYRADIUS 200 km
        ZRANGE n 0 -1 WITHSCORES
        GEOSEARCHSTORE n g FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST
        ZRANGE n 0 -1 WITHSCORES
        GEOSEARCHSTORE n g FROMLONLAT 15 37 BYBOX 400 400 km ASC COUNT 1 STOREDIST
        ZRANGE n 0 -1 WITHSCORES
        EXPIRE n 100
        GEOSEARCHSTORE n g FROMMEMBER Palermo BYRADIUS 200 mi
        TTL n
        GEOSEARCHSTORE s g FROMMEMBER Palermo BYRADIUS 200 mi
        TYPE s
        GEOSEARCHSTORE n g FROMLONLAT 15 37 BYRADIUS 1 m
        EXISTS n
        GEOSEARCHSTORE s none FROMLONLAT 15 37 BYRADIUS 1 m
        EXISTS s
        GEOSEARCHSTORE n g FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST
        GEOSEARCHSTORE n g FROMLONLAT 15 37 WITHCOORD ASC DESC ASC
        GEOSEARCHSTORE n g ASC DESC ASC DESC ASC
        GEOSEARCHSTORE n g FROMLONLAT 15 37 ASC DESC ASC
        GEOSEARCHSTORE n g FROMLONLAT 15 37 BYRADIUS 200 km STORE x
    """,
    "georadius": """
        GEORADIUS g 15 37 200 km ASC
        GEORADIUS g 15 37 200 km WITHDIST WITHCOORD WITHHASH DESC COUNT 1
        GEORADIUS g 15 37 200 km STORE n
        ZRANGE n 0 -1 WITHSCORES
        GEORADIUS g 15 37 200 mi STOREDIST n COUNT 2
        ZRANGE n 0 -1 WITHSCORES
        GEORADIUS g 15 37 200 mi STOREDIST n STORE n
        ZRANGE n 0 -1 WITHSCORES
        GEORADIUS g 15 37 1 m STORE n
        EXISTS n
        GEORADIUS none 15 37 200 km
        GEORADIUS none 15 37 200 km STORE n
        GEORADIUS g 15 37 200 km STORE n WITHDIST
        GEORADIUS g 15 37 200 km STORE
        GEORADIUS g 15 37 200 km COUNT 1 ANY
        GEORADIUS g 15 37 200 km ANY
        GEORADIUS g 15 37 200 km foo
        GEORADIUS g 15 37 -200 km
        GEORADIUS g 15 37 x km
        GEORADIUS g 15 370 200 km
        GEORADIUS g 15 37 200 foo
        GEORADIUS g 15 37 200
        GEORADIUS s 15 37 200 km
        GEORADIUS s x 37 200 km
        GEORADIUS_RO g 15 37 200 km ASC
        GEORADIUS_RO g 15 37 200 km STORE n
        GEORADIUSBYMEMBER g Palermo 200 km ASC WITHDIST
        GEORADIUSBYMEMBER g none 200 km
        GEORADIUSBYMEMBER g Palermo x km
        GEORADIUSBYMEMBER none Palermo x km
        GEORADIUSBYMEMBER none Palermo x km foo
        GEORADIUSBYMEMBER g Palermo 200 km STOREDIST n
        ZRANGE n 0 -1 WITHSCORES
        GEORADIUSBYMEMBER none Palermo 200 km STORE n
        EXISTS n
        GEORADIUSBYMEMBER_RO g Palermo 200 km DESC
        GEORADIUSBYMEMBER_RO g Palermo 200 km STORE n
        COMMAND GETKEYS GEORADIUS g 15 37 200 km STORE n
        COMMAND GETKEYS GEORADIUS g 15 37 200 km STORE n storedist m
        COMMAND GETKEYS GEORADIUSBYMEMBER g store 200 km COUNT 1 STOREDIST m
        COMMAND GETKEYS GEORADIUS g 15 37 200 km
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, name):
    for line in (*PREPARED, *SCRIPTS[name].strip().splitlines()):
        both(*shlex.split(line))


@mark.parametrize("limit", [0, 100_000])
def test_over_the_globe(both, limit):
    """Unsorted answers too: the cells are searched in the same order."""
    random = Random(7)
    both("CONFIG", "SET", "zset-max-listpack-entries", limit)
    for number in range(400):
        both("GEOADD", "g", f"{random.uniform(-180, 180):.6f}", f"{random.uniform(-85, 85):.6f}", f"m{number}")
    both("CONFIG", "SET", "zset-max-listpack-entries", 128)
    for _ in range(60):
        center = (f"{random.uniform(-180, 180):.6f}", f"{random.uniform(-85, 85):.6f}")
        size = f"{10 ** random.uniform(2, 7.4):.3f}"
        both("GEOSEARCH", "g", "FROMLONLAT", *center, "BYRADIUS", size, "m", "WITHDIST")
        both("GEOSEARCH", "g", "FROMLONLAT", *center, "BYRADIUS", size, "m", "ASC", "COUNT", 7)
        both("GEOSEARCH", "g", "FROMLONLAT", *center, "BYRADIUS", size, "m", "COUNT", 5, "ANY")
        height = f"{10 ** random.uniform(2, 7.2):.3f}"
        both("GEOSEARCH", "g", "FROMLONLAT", *center, "BYBOX", size, height, "m", "WITHDIST", "WITHCOORD")


edge = st.sampled_from([0.0, 180.0, -180.0, 179.999, 90.0, 1e-9])
place = st.tuples(
    st.floats(-180, 180) | edge, st.floats(-85.05, 85.05) | st.sampled_from([85.05112878, -85.05112878, 0])
)
size = st.floats(0, 3e7) | st.sampled_from([0.0, 1e-3, 5e6, 2.1e7, 1e12])


@given(st.lists(place, min_size=1, max_size=5), place, size, size)
@settings(
    max_examples=100, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_edges(both, places, center, width, height):
    both("DEL", "g")
    for number, (longitude, latitude) in enumerate(places):
        both("GEOADD", "g", repr(longitude), repr(latitude), f"m{number}")
    both("GEOSEARCH", "g", "FROMLONLAT", *map(repr, center), "BYRADIUS", repr(width), "m", "WITHDIST")
    both("GEOSEARCH", "g", "FROMLONLAT", *map(repr, center), "BYBOX", repr(width), repr(height), "m", "WITHDIST")
