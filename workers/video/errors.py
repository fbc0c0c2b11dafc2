"""What goes wrong with a recording or a segment, said to the person who sent it."""


class VideoError(Exception):
    """One line: which file or segment, what is wrong with it, what to do next."""
