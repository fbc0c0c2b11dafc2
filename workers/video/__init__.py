"""Recordings in, segments and MP4 files out."""


class VideoError(Exception):
    """One line: which file or segment, what is wrong with it, what to do next."""
