"""The phantom, a drawn face with known measurements, and the small models that can read it."""
