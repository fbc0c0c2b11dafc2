"""A decoded frame made the picture that is analysed: progressive, square pixels, SDR, upright."""
