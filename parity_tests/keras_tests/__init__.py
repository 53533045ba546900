"""Keras's own unit tests, run on refkeras: `python -m parity_tests.keras_tests`, or `make keras-tests`.

Keras's wheel holds its tests (`keras/src/**/*_test.py`). Each file is read, what it imports of Keras is replaced by
what refkeras has under the same public name, and pytest runs it. Nothing of them is kept here. A test that never asks
for something of refkeras tests Keras alone, and does not count.

Keras itself, with its TensorFlow backend, serves what the tests compute with beside (`keras.ops`); what refkeras does
not have skips a test, and so does what asks for another backend. `recorded/keras_tests.json` holds what became of each
test, and docs/keras-tests.md says why of those that do not pass.
"""
