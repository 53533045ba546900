"""What engines compute by another formula."""

#: Where a backend evaluates another formula, one that cancels where refkeras's does not, and TensorFlow's, whose order
#: of operations the bars are of: what it loses there. Such results are held to 16 roundings of the terms' size instead.
OTHER_FORMULAS = {
    ("torch", "gelu"): "½ x (1 + erf(x / √2)): 1 + erf cancels for x < 0",
    ("numpy", "gelu"): "½ x (1 + erf(x / √2)): 1 + erf cancels for x < 0",
    ("torch", "gelu gradient"): "½ (1 + erf(x / √2)) + x φ(x) cancels for x < 0",
    ("torch", "softsign gradient"): "1 / (1 + |x|) − |x| / (1 + |x|)² cancels for large |x|",
    ("jax", "softsign gradient"): "1 / (1 + |x|) − |x| / (1 + |x|)² cancels for large |x|",
    ("jax", "celu gradient"): "1 + expm1(x) cancels for x < 0",
    ("jax", "softplus gradient"): "the derivative of logaddexp(x, 0), from its value",
    ("jax", "log_sigmoid gradient"): "the derivative of logaddexp(−x, 0), from its value",
    ("numpy", "hard_silu"): "x · (x / 6 + ½), likewise",
    ("jax", "hard_silu"): "x · (x / 6 + ½), likewise",
    ("numpy", "hard_sigmoid"): "x / 6 + ½ cancels near −3, where relu6(x + 3) / 6 does not",
    ("jax", "hard_sigmoid"): "x / 6 + ½ cancels near −3, where relu6(x + 3) / 6 does not",
}
