"""Which public arguments of refkeras the parity tests pass, seen while they run: `make arguments`."""
