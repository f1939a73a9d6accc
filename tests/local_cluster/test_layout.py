import pytest

from pyredis.local_cluster.folder_lock import FolderLock
from pyredis.local_cluster.layout import Layout, demand_unused, find, load, pid_of
from pyredis.local_cluster.trouble import Trouble


def test_what_is_saved_is_found(tmp_path):
    layout = Layout(tmp_path / "new" / "folder", [7000, 7001], ["redis-server"], 1234, is_made=True)
    layout.save()
    assert find(layout.folder) == load(layout.folder) == layout


def test_a_folder_without_a_cluster(tmp_path):
    assert find(tmp_path) is None
    demand_unused(tmp_path)
    with pytest.raises(Trouble, match=r"There is no cluster in .*pyredis-cluster up"):
        load(tmp_path)


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("")
    with pytest.raises(Trouble, match="not empty, and holds no cluster"):
        demand_unused(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"ports": [1], "unheard": 1}'])
def test_a_file_that_cannot_be_read_is_named(tmp_path, text):
    (tmp_path / "cluster.json").write_text(text)
    with pytest.raises(Trouble, match=r"cluster\.json cannot be read"):
        find(tmp_path)


def test_a_path_that_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Trouble, match="cannot be used"):
        demand_unused(tmp_path / "file" / "folder")


def test_only_what_is_the_cluster_s_is_removed(tmp_path):
    layout = Layout(tmp_path, [7000, 7001])
    layout.save()
    for name in ("node-7000", "node-7001", "node-9999"):
        (tmp_path / name).mkdir()
    layout.clear()
    assert {path.name for path in tmp_path.iterdir()} == {"cluster.json", "node-9999"}
    assert load(tmp_path).ports == []


def test_a_node_s_process(tmp_path):
    layout = Layout(tmp_path, [7000])
    assert pid_of(layout, 7000) is None
    layout.node_folder(7000).mkdir()
    layout.pid_file(7000).write_text("123\n")
    assert pid_of(layout, 7000) == 123
    with pytest.raises(Trouble, match=r"There is no node 7009\. The nodes are: 7000\."):
        layout.demand(7009)


def test_a_lock_is_held_by_one(tmp_path):
    first, second = FolderLock(tmp_path, "lock"), FolderLock(tmp_path, "lock")
    assert first.take()
    assert not second.take()
    first.release()
    assert second.take()
    second.release()
