"""Measured claims, one file each: `python -m benchmarks NAME|all [--quick]`, `python -m benchmarks readme`."""
