"""`facemirror doctor`: how this machine is, what serves on it, and what is missing."""
