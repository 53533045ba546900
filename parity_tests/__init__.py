"""Property-based comparison of refkeras with real Keras."""
