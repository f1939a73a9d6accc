"""What data and clients take, and what goes when it is too much."""
