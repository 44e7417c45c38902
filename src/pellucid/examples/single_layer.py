"""One neuron learns that the answer is the first of its three inputs."""

from __future__ import annotations

import numpy as np

from pellucid import SGD, Dense, Network, Sigmoid, SquaredError, train

X = np.array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]])
y = np.array([[0], [1], [1], [0]])

# Half the summed squared error, at a learning rate of 1: each step is weight += X.T @ ((y - a) * a * (1 - a)).
LOSS, OPTIMIZER = SquaredError(reduction="half_sum"), SGD(learning_rate=1.0)


def build() -> Network:
    """Return the network with the tutorial's first weights."""
    network = Network([Dense(1, bias=False), Sigmoid()], n_inputs=3)
    network.named_parameters["0.weight"][...] = np.random.RandomState(1).rand(3, 1)
    return network


@np.printoptions(precision=4, suppress=True)
def main() -> Network:
    """Train the network, print what happens, and return it."""
    network = build()
    weight = network.named_parameters["0.weight"]
    print("weights before training:", weight.ravel())
    print("outputs before training:", network.predict(X).ravel())

    history = train(network, X, y, loss=LOSS, optimizer=OPTIMIZER, epochs=10_000)
    for epoch in (1, 10, 100, 1_000, 10_000):
        print(f"  epoch {epoch:>6,}: loss {history['loss'][epoch - 1]:.6f}")

    print("outputs after training: ", network.predict(X).ravel(), "for", y.ravel())
    print("weights after training: ", weight.ravel())
    print("The first weight is large and the second near 0: the output follows the first input.")
    print("The third input is always 1, so its weight is a bias: it pulls the output down when the first input is 0.")
    return network


if __name__ == "__main__":
    main()
