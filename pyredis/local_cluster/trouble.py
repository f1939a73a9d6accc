"""What goes wrong, in words for who typed the command."""


class Trouble(Exception):
    """It cannot be done; the text says why, and what to do."""
