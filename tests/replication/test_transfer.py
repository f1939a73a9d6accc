"""Taking a dataset in: what there was stays until the new one is whole, where that is promised."""

import pytest

from pyredis.engine.execution import gates
from pyredis.persistence.dataset import Dataset
from pyredis.persistence.dataset_loading import Loading
from pyredis.replication.transfer import DirectTransfer, FileTransfer, TransferFailed, new_transfer
from tests.observed import Observed


def engine_with(folder, how, key):
    observed = Observed()
    engine = observed.engine
    engine.config.replace("dir", str(folder))
    engine.config.replace("repl-diskless-load", how)
    if key:
        observed.line(f"SET {key} 1")
    return engine


def dataset():
    engine = Observed()
    engine.line("SET new 1")
    return b"".join(engine.engine[Dataset].rdb_chunks(engine.engine.keyspace))


def keys(engine):
    return [key for db in engine.keyspace.databases for key, _ in db.table.items()]


@pytest.mark.parametrize(
    ("how", "key", "kind"),
    [
        ("disabled", "", FileTransfer),
        ("disabled", "old", FileTransfer),
        ("on-empty-db", "", DirectTransfer),
        ("on-empty-db", "old", FileTransfer),
        ("swapdb", "", DirectTransfer),
        ("swapdb", "old", DirectTransfer),
    ],
)
def test_which_way_it_goes(tmp_path, how, key, kind):
    transfer = new_transfer(engine_with(tmp_path, how, key), same_history=False)
    assert type(transfer) is kind
    transfer.abandon()
    assert list(tmp_path.iterdir()) == []


WAYS = ["disabled", "on-empty-db", "swapdb"]


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("how", WAYS)
def test_the_new_takes_the_place_of_the_old(tmp_path, how, size):
    engine, data, heard = engine_with(tmp_path, how, "old" if how != "on-empty-db" else ""), dataset(), []
    transfer = new_transfer(engine, same_history=False)
    for at in range(0, len(data), size):
        list(transfer.take(data[at : at + size]))
    assert keys(engine) == ([b"new"] if how == "on-empty-db" else [b"old"])
    transfer.finish(heard.append)
    while engine[Loading].active:
        engine.host.run_due()
    assert (keys(engine), heard, engine.gates & gates.ASYNC_LOADING) == ([b"new"], [True], 0)


@pytest.mark.parametrize("how", WAYS)
def test_half_a_dataset_is_none(tmp_path, how):
    engine, data = engine_with(tmp_path, how, "old" if how != "on-empty-db" else ""), dataset()
    transfer = new_transfer(engine, same_history=False)
    list(transfer.take(data[:-10]))
    assert transfer.drops_data is (how == "on-empty-db")
    transfer.abandon()
    assert keys(engine) == ([] if how == "on-empty-db" else [b"old"])
    assert not engine[Loading].active
    assert list(tmp_path.iterdir()) == []


def test_beside_the_old_data_that_is_served_only_if_it_is_of_the_same_history(tmp_path):
    for same in (False, True):
        engine = engine_with(tmp_path, "swapdb", "old")
        transfer = new_transfer(engine, same_history=same)
        assert (bool(engine.gates & gates.ASYNC_LOADING), engine[Loading].active) == (same, not same)
        transfer.abandon()
        assert not engine.gates & (gates.ASYNC_LOADING | gates.LOADING)


@pytest.mark.parametrize("how", ["on-empty-db", "swapdb"])
def test_what_is_no_dataset(tmp_path, how):
    engine = engine_with(tmp_path, how, "old" if how == "swapdb" else "")
    transfer = new_transfer(engine, same_history=False)
    with pytest.raises(TransferFailed, match="Internal error in RDB reading"):
        list(transfer.take(b"no dataset at all"))
    transfer.abandon()
    assert keys(engine) == ([b"old"] if how == "swapdb" else [])


def test_a_file_that_is_none_is_heard_of(tmp_path):
    engine, heard = engine_with(tmp_path, "disabled", "old"), []
    transfer = new_transfer(engine, same_history=False)
    list(transfer.take(b"no dataset at all"))
    transfer.finish(heard.append)
    while engine[Loading].active:
        engine.host.run_due()
    assert (heard, transfer.drops_data) == ([False], True)


def test_no_folder_no_transfer(tmp_path):
    engine = engine_with(tmp_path / "nowhere", "disabled", "")
    with pytest.raises(TransferFailed, match="Opening the temp file needed for MASTER"):
        new_transfer(engine, same_history=False)
