import io
import re

from pyredis.clock import ManualClock
from pyredis.local_cluster.cluster_status import UP, ClusterStatus, NodeStatus
from pyredis.local_cluster.live_display import LiveDisplay
from pyredis.local_cluster.status_table import table

ONE = ClusterStatus({1: NodeStatus(1, UP, None, ((0, 16383),), 0)}, is_ok=True)
TWO = ClusterStatus({**ONE.nodes, 2: NodeStatus(2, UP, 1, (), 0)}, is_ok=True)


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def screen(self):
        """What stands there in the end."""
        lines = []
        for part in re.split(r"(\x1b\[\d+F\x1b\[J)", self.getvalue()):
            if part.startswith("\x1b"):
                del lines[len(lines) - int(part[2 : part.index("F")]) :]
            else:
                lines += part.splitlines()
        return lines


def test_elsewhere_than_in_a_terminal_events_are_lines():
    out = io.StringIO()
    display = LiveDisplay(out, ManualClock())
    display.show(ONE, [])
    display.show(TWO, ["node 2 joined"])
    assert re.fullmatch(r"\d\d:\d\d:\d\d node 2 joined\n", out.getvalue())


def test_in_a_terminal_the_table_stays_below_what_happened():
    out = Terminal()
    display = LiveDisplay(out, ManualClock())
    display.say("Starting")
    display.show(ONE, [])
    assert out.screen() == ["Starting", "", *table(ONE)]
    before = out.getvalue()
    display.show(ONE, [])
    assert out.getvalue() == before
    display.show(TWO, ["node 2 joined"])
    assert out.screen()[0] == "Starting"
    assert out.screen()[1].endswith("node 2 joined")
    assert out.screen()[2:] == ["", *table(TWO)]
    display.say("Ending")
    assert out.screen()[-2:] == [table(TWO)[-1], "Ending"]
