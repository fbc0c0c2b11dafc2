"""What a person asked for cannot be done."""


class UsageError(Exception):
    """Nothing can be run as asked; the message says why and what to do."""
