"""`facemirror weights quantize`: STAR in 8-bit integers, by a lab's own recordings."""
