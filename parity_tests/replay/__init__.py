"""Replay from the seed: how much of what each engine draws refkeras draws too, bit for bit."""
