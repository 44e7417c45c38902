"""Write scikit-learn's perceptrons as ONNX files, as skl2onnx does; onnxruntime computes their outputs in the tests.

Run with skl2onnx, which the tests do not need: python make_skl2onnx_files.py
"""

import warnings
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

FOLDER = Path(__file__).parent


def main() -> None:
    X = np.random.default_rng(0).normal(size=(80, 3))
    classes = np.digitize(X[:, 0] * X[:, 1], [-0.3, 0.3])
    cases = {
        "two_classes": (MLPClassifier, X[:, 0] > X[:, 1], "relu", np.float32, {}),
        "two_names": (MLPClassifier, np.where(X[:, 0] > 0, "yes", "no"), "logistic", np.float32, {}),
        "three_classes": (MLPClassifier, classes, "tanh", np.float32, {}),
        "three_classes_double": (MLPClassifier, classes, "identity", np.float64, {"zipmap": False}),
        "labels": (MLPClassifier, (X[:, :2] > 0).astype(int), "relu", np.float32, {"zipmap": False}),
        "number": (MLPRegressor, X[:, 0] * X[:, 1], "relu", np.float32, None),
        "number_double": (MLPRegressor, X[:, 0] ** 2, "tanh", np.float64, None),
    }
    for name, (estimator, y, activation, dtype, options) in cases.items():
        mlp = estimator(hidden_layer_sizes=(5, 4), activation=activation, max_iter=60, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            mlp.fit(X, y)
        model = to_onnx(mlp, X[:1].astype(dtype), options={id(mlp): options} if options else None, target_opset=18)
        (FOLDER / f"skl2onnx_{name}.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
