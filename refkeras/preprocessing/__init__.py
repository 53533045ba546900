"""What Keras keeps of its older packages for data (`keras.preprocessing`)."""

from refkeras.preprocessing import sequence

__all__ = ["sequence"]
