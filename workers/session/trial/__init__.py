"""A machine proves before it serves: which backend gives right answers here, and the fastest."""
