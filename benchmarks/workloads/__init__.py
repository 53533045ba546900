"""What is timed: each function returns the thing to run, made ready for one engine."""
