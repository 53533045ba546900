"""Reads the HDF5 files that Keras writes, in Python alone.

The C library trusts what it reads: a few bytes changed at random send it into
endless loops. A weights file can come from anywhere, so it is read here, by
code in which every offset is checked, nothing is followed twice, and nothing
is allocated that the file does not hold. What Keras never writes is refused:
links other than hard ones, external, virtual, chunked and filtered data,
objects, references, and the layouts of other format versions.

Format: *HDF5 File Format Specification*, version 3.0 (The HDF Group);
section numbers in the modules are its.
"""

from refkeras.saving.hdf5.objects import SIGNATURE, Dataset, Group, read_hdf5

__all__ = ["SIGNATURE", "Dataset", "Group", "read_hdf5"]
