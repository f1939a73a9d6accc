"""fakeredis behind its own TCP server, in a process of its own.

Run: `python -m benchmarks.fake_server PORT`
"""

import sys

from fakeredis import TcpFakeServer


class DeepBacklogServer(TcpFakeServer):
    """Only the accept queue is raised: socketserver's 5 drops some of the 50 clients that connect at once."""

    request_queue_size = 4096


if __name__ == "__main__":
    DeepBacklogServer(("127.0.0.1", int(sys.argv[1]))).serve_forever()
