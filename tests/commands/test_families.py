"""The index of the command families says what their modules declare."""

from pyredis.commands import FAMILIES
from pyredis.engine.command_table.command import TABLE


def test_the_index_names_the_module_of_each_command():
    declared = {family: set() for family in FAMILIES}
    for name, one in TABLE.items():
        if one.handler is not None:
            declared[one.handler.__module__.rpartition(".")[2]].add(name.partition("|")[0])
    declared["cluster_debugging"].add("debug")  # whose subcommands are no rows
    assert declared == {family: set(names.split()) for family, names in FAMILIES.items()}
