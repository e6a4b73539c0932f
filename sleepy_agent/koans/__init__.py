"""Koans: small broken programs with a test that decides whether a repair is right; the measure of the sources."""
