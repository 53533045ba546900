"""`refkeras verify` on the real engines, with one scenario."""

from parity_tests.engines import tensorflow_only
from refkeras.verify import verify_scenarios
from refkeras.verify.engines import KERAS_3, TF_KERAS

pytestmark = tensorflow_only("starts processes of its own")


def test_a_scenario_agrees_with_both_engines():
    outcome = verify_scenarios(["three_losses_weighted"], engines=(KERAS_3, TF_KERAS), dtypes=("float32",))
    assert outcome.agrees, [row for row in outcome.rows if not row.agrees]
    versions = {run["engine"]: run["versions"] for run in outcome.runs}
    assert versions["keras@tensorflow"]["backend"] == "tensorflow"
    assert versions["keras@tensorflow"]["version"].startswith("3.")
    assert versions["tf_keras"]["version"].startswith("2.")
    assert {run["dtype"] for run in outcome.runs} == {"float32"}
    assert "Did you mean 'categorical_crossentropy'?" in next(
        run["seen"]["three_losses_weighted"]["misspelt"] for run in outcome.runs if run["engine"] == "refkeras"
    )
