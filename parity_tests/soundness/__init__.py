"""Whether error bars hold, and whether they are of use: `make soundness`, `make sharpness`."""
