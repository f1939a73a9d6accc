"""asyncio lives here: listeners, connections and the process around them."""
