"""The server on any host, and the host that is asyncio: listeners, connections and the process around them."""
