"""A test file of Keras, with its imports of Keras, and of backends, replaced."""

from __future__ import annotations

import ast

HEADER = "from parity_tests.keras_tests.stand_ins import stand_in as __stand_in__\n"


def rewritten(source: str) -> str:
    """Return a module's source with `__stand_in__(module, name)` in place of what it imports of Keras.

    >>> print(rewritten("from keras.src import layers as l, ops"))
    from parity_tests.keras_tests.stand_ins import stand_in as __stand_in__
    l = __stand_in__('keras.src', 'layers')
    ops = __stand_in__('keras.src', 'ops')
    """
    return HEADER + ast.unparse(ast.fix_missing_locations(_Imports().visit(ast.parse(source))))


#: Other backends, which may be installed or not: what needs them is left out.
BACKENDS = ("jax", "torch")


def _is_replaced(module: str | None) -> bool:
    return (module or "").partition(".")[0] in ("keras", *BACKENDS)


def _assignment(target: str, *names: str) -> ast.stmt:
    return ast.parse(f"{target} = __stand_in__({', '.join(map(repr, names))})").body[0]


class _Imports(ast.NodeTransformer):
    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        """`import keras.a.b as c` gives the module, `import keras.a.b` the package."""
        found: list[ast.stmt] = []
        for alias in node.names:
            if _is_replaced(alias.name):
                package = alias.name.partition(".")[0]
                found.append(_assignment(alias.asname or package, alias.name if alias.asname else package))
            else:
                found.append(ast.Import([alias]))
        return found

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | list[ast.stmt]:
        if node.module == "conftest":  # of Keras's repository
            return [_assignment(alias.asname or alias.name, "conftest", alias.name) for alias in node.names]
        if node.level or not _is_replaced(node.module):
            return node
        return [_assignment(alias.asname or alias.name, node.module or "", alias.name) for alias in node.names]
