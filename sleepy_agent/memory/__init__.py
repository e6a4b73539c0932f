"""What happened: one SQLite file that remembers every attempt with its verdict and what became of it, and every
file a run wrote, so that the run can be undone. All SQL of the program stands in this package; what is written
is redacted first. It knows nothing of how fixes are made."""
