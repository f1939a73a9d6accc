"""A cluster as a few dictionaries, which answers what the launcher asks; what real nodes refuse it refuses."""

from pyredis.local_cluster.resp_client import Refused
from pyredis.local_cluster.slot_plan import ranges_of


class ModelNode:
    def __init__(self, port):
        self.port, self.id = port, f"{port:040d}"
        self.epoch, self.master, self.keys = 0, None, {}  # slot: keys
        self.open = {}  # slot: ("migrating" or "importing", id)


class ModelCluster:
    """`asked` are all commands. Whose a slot is they all know at once; `interrupt_after` commands all are refused."""

    def __init__(self, *ports):
        self.nodes = {port: ModelNode(port) for port in ports}
        self.met = {port: {port} for port in ports}
        self.owners = {}
        self.asked = []
        self.interrupt_after = None

    def ask(self, port, *words):
        return self.ask_all(port, [words])[0]

    def ask_all(self, port, commands):
        return [self._do(self.nodes[port], *words) for words in commands]

    def _do(self, node, *words):
        self.asked.append((node.port, *words))
        if self.interrupt_after is not None and len(self.asked) > self.interrupt_after:
            raise ConnectionError("interrupted")
        name = "_".join(words[:2] if words[0] == "CLUSTER" else words[:1]).lower().replace("-", "_")
        return getattr(self, name)(node, *words[2 if words[0] == "CLUSTER" else 1 :])

    def by_id(self, id):
        return next(node for node in self.nodes.values() if node.id == id)

    # Commands

    def cluster_myid(self, node):
        return node.id

    def cluster_set_config_epoch(self, node, epoch):
        if len(self.met[node.port]) > 1 or node.epoch:
            raise Refused("ERR The user can assign a config epoch only when the node does not know any other node.")
        node.epoch = epoch

    def cluster_addslotsrange(self, node, first, last):
        for slot in range(first, last + 1):
            if self.owners.setdefault(slot, node.port) != node.port:
                raise Refused(f"ERR Slot {slot} is already busy")

    def cluster_meet(self, node, host, port):
        group = self.met[node.port] | self.met[port]
        for one in group:
            self.met[one] = group

    def cluster_replicate(self, node, id):
        if node.port in self.owners.values():
            raise Refused("ERR To set a master the node must be empty and without assigned slots.")
        if self.by_id(id).port not in self.met[node.port]:
            raise Refused(f"ERR Unknown node {id}")
        node.master = id

    def cluster_nodes(self, node):
        return "".join(self._line(self.nodes[port], node) for port in sorted(self.met[node.port])).encode()

    def _line(self, node, speaker):
        flags = ("myself," if node is speaker else "") + ("slave" if node.master else "master")
        ranges = ranges_of(slot for slot, owner in self.owners.items() if owner == node.port)
        slots = [f"{first}-{last}" for first, last in ranges]
        if node is speaker:
            marks = {"migrating": "->-", "importing": "-<-"}
            slots += [f"[{slot}{marks[kind]}{id}]" for slot, (kind, id) in node.open.items()]
        address = f"127.0.0.1:{node.port}@{node.port + 10000}"
        return (
            " ".join((node.id, address, flags, node.master or "-", "0 0", str(node.epoch), "connected", *slots)) + "\n"
        )

    def cluster_info(self, node):
        state = "ok" if len(self.owners) == 16384 else "fail"
        return f"cluster_state:{state}\r\ncluster_current_epoch:9\r\n".encode()

    def dbsize(self, node):
        return sum(map(len, node.keys.values()))

    def info(self, node, section):
        return b"# Replication\r\nmaster_link_status:up\r\n"

    def cluster_setslot(self, node, slot, how, id=None):
        owner = self.owners[slot]
        if how == "STABLE":
            del node.open[slot]
        elif how == "NODE":
            if owner == node.port and id != node.id and node.keys.get(slot):
                raise Refused("ERR Can't assign hashslot to a different node while I still hold keys")
            self.owners[slot] = self.by_id(id).port
            node.open.pop(slot, None)
        elif (how == "MIGRATING") != (owner == node.port):
            raise Refused(f"ERR {slot}: {how} at {node.port}, but it is {owner}'s")
        else:
            node.open[slot] = how.lower(), id

    def cluster_getkeysinslot(self, node, slot, count):
        return node.keys.get(slot, [])[:count]

    def migrate(self, node, host, port, key, database, timeout, *words):
        assert words[:2] == ("REPLACE", "KEYS")
        target = self.nodes[port]
        for slot, keys in node.keys.items():
            for one in [one for one in keys if one in words[2:]]:
                if node.open.get(slot) != ("migrating", target.id) or target.open.get(slot) != ("importing", node.id):
                    raise Refused("ERR Target instance replied with error: MOVED")
                keys.remove(one)
                target.keys.setdefault(slot, []).append(one)
