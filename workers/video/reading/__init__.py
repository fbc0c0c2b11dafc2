"""A recording on the disk: its packets, its frames and their times."""
