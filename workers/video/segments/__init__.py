"""The compressed frames of a chunk: where they are cut, what they hold, how they decode."""
