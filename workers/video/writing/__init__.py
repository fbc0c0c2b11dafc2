"""From pictures to compressed segments, and from these to one MP4 file."""
