import hiredis
import pytest

from benchmarks import mixed


def words(batches: list[mixed.Batch]) -> list[list[bytes]]:
    reader = hiredis.Reader()
    reader.feed(b"".join(data for data, _ in batches))
    return list(iter(reader.gets, False))


@pytest.mark.parametrize("mix", mixed.MIXES)
def test_commands_come_in_turn_across_pipelines(mix):
    commands = words(mixed.batches(mix, 16, 100)[:30])
    names = [template.split()[0].encode() for template in mixed.MIXES[mix]]
    assert [command[0] for command in commands] == [names[at % len(names)] for at in range(480)]


def test_every_get_has_a_line_more():
    for batch in mixed.batches("mixed_six", 16, 100)[:30]:
        commands = words([batch])
        assert batch[1] == 16 + sum(command[0] == b"GET" for command in commands)


def test_keys_are_those_of_the_key_space_and_the_pool():
    keys = {command[1] for command in words(mixed.batches("mixed_six", 16, 10))}
    containers = {name.encode() for name in mixed.CONTAINERS}
    assert keys - containers == {b"%b:%012d" % (kind, number) for kind in (b"key", b"counter") for number in range(10)}
    assert keys & containers == containers
