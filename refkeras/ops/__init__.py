"""The mathematics: pure functions on arrays, forward and backward together.

A function of `ops` returns its value and its pullback: the function that takes
the gradient of the loss with respect to the value and returns those with
respect to the inputs, in order. Nothing here imports the rest of refkeras, and
everything is written in NumPy functions that dispatch, so that it runs on any
array type that has NumPy's protocols.
"""
