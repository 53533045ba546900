"""Deliberate mistakes, each one line of refkeras, and whether the parity tests notice them: `make mutants`."""
