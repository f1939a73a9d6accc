"""Positions, line by line as the real server answers them."""

import shlex
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest import mark

PREPARED = [
    "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania",
    "SET s x",
    "ZADD z 1 one -5 low inf high",
]

SCRIPTS = {
    "geoadd": """
        GEOADD n 1 2 a
        GEOADD n 1 2 a
        GEOADD n 1.5 2 a
        GEOADD n CH 1.5 2.5 a 3 3 b
        GEOADD n NX 5 5 a
        GEOADD n XX 5 5 a 6 6 c
        GEOADD n xx ch 6 5 a 6 6 c
        ZRANGE n 0 -1 WITHSCORES
        GEOADD n 180 85.05112878 a -180 -85.05112878 b
        GEOPOS n a b
        GEOADD n 180.1 0 x
        GEOADD n 0 85.06 x
        GEOADD n -181 -1e300 x
        GEOADD n x 0 m
        GEOADD n 0 x m
        GEOADD n nan 0 m
        GEOADD n inf 0 m
        GEOADD n NX XX 1 1 a
        GEOADD n NX 1 1
        GEOADD n NX CH XX
        GEOADD n NX CH CH
        GEOADD n GT 1 1 a
        GEOADD n 1 1 a 2 2
        GEOADD n 1 1
        GEOADD s 1 1 a
        GEOADD s x 1 a
        OBJECT ENCODING n
    """,
    "asking": """
        GEOPOS g Palermo none Catania
        GEOPOS g
        GEOPOS none
        GEOPOS none a b
        GEOPOS s a
        GEOPOS z one low high
        GEOHASH g Palermo none Catania
        GEOHASH g
        GEOHASH none a
        GEOHASH s a
        GEOHASH z one low high
        GEODIST g Palermo Catania
        GEODIST g Palermo Catania km
        GEODIST g Palermo Catania MI
        GEODIST g Palermo Catania ft
        GEODIST g Palermo Catania foo
        GEODIST g Palermo Catania m m
        GEODIST g Palermo Palermo
        GEODIST g Palermo none
        GEODIST none a b
        GEODIST none a b foo
        GEODIST s a b
        GEODIST z one low
        GEODIST g Palermo
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, name):
    for line in (*PREPARED, *SCRIPTS[name].strip().splitlines()):
        both(*shlex.split(line))


anywhere = st.tuples(st.floats(-180, 180), st.floats(-85.05112878, 85.05112878))


@given(st.lists(anywhere, min_size=2, max_size=6))
@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_anywhere(both, places):
    both("DEL", "g")
    for number, (longitude, latitude) in enumerate(places):
        both("GEOADD", "g", repr(longitude), repr(latitude), f"m{number}")
    members = [f"m{number}" for number in range(len(places))]
    both("GEOPOS", "g", *members)
    both("GEOHASH", "g", *members)
    both("ZRANGE", "g", 0, -1, "WITHSCORES")
    for one, other in pairwise(members):
        both("GEODIST", "g", one, other)
        both("GEODIST", "g", one, other, "mi")
