"""Fisher's irises: 150 flowers, four lengths each, three species.

The file is the UCI Machine Learning Repository's `iris.data`, byte for byte
(SHA-256 6f608b71...), 50 rows of each class, sorted by class. It is known to
differ from Fisher's article, and so from R's and scikit-learn's copies, in two
rows, counted from 1: row 35 reads 4.9, 3.1, 1.5, 0.1 (Fisher: ..., 0.2) and
row 38 reads 4.9, 3.1, 1.5, 0.1 (Fisher: 4.9, 3.6, 1.4, 0.1).

Source: Fisher, R. A. (1936), "The use of multiple measurements in taxonomic
problems", Annals of Eugenics 7 (2), 179-188; data set Iris, UCI Machine
Learning Repository, https://doi.org/10.24432/C56C76, CC BY 4.0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

__all__ = ["CLASS_NAMES", "FEATURE_NAMES", "load_data"]

FEATURE_NAMES = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
CLASS_NAMES = ("Iris-setosa", "Iris-versicolor", "Iris-virginica")

_FILE = Path(__file__).with_name("iris.csv")


def load_data() -> tuple[np.ndarray, np.ndarray]:
    """Return the flowers `(x, y)` in the file's order, which is sorted by class.

    Unlike the loaders of `keras.datasets` it makes no split: the sorted order
    is what `validation_split` meets when it is given the file as it is.

    Returns:
        x: float32 (150, 4), the lengths named by `FEATURE_NAMES`, in cm.
        y: int64 (150,), each an index into `CLASS_NAMES`.

    Example:
        >>> from refkeras.datasets import iris
        >>> x, y = iris.load_data()
        >>> x[0], iris.CLASS_NAMES[y[0]]
        (array([5.1, 3.5, 1.4, 0.2], dtype=float32), 'Iris-setosa')
    """
    rows = [line.split(",") for line in _FILE.read_text(encoding="ascii").split()]
    x = np.array([row[:-1] for row in rows], dtype="float32")
    y = np.array([CLASS_NAMES.index(row[-1]) for row in rows], dtype="int64")
    return x, y
