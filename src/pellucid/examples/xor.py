"""Three hidden neurons learn XOR, which no single neuron can; from some starts they get stuck."""

from __future__ import annotations

import numpy as np

from pellucid import SGD, Dense, Network, Sigmoid, SquaredError, train

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])

# Half the summed squared error: each step is weight += a.T @ d * 0.1 with d = (y - output) * output * (1 - output).
LOSS, OPTIMIZER = SquaredError(reduction="half_sum"), SGD(learning_rate=0.1)


def build(start: int = 0) -> Network:
    """Return the network with the weights that the seed ``start`` draws."""
    network = Network([Dense(3), Sigmoid(), Dense(1), Sigmoid()], n_inputs=2)
    draw = np.random.RandomState(start)
    network.named_parameters["0.weight"][...] = draw.randn(2, 3)
    network.named_parameters["2.weight"][...] = draw.randn(3, 1)  # the biases start at 0
    return network


@np.printoptions(precision=4, suppress=True)
def main(start: int = 0) -> Network:
    """Train the network from the weights that the seed ``start`` draws, print what happens, and return it."""
    network = build(start)
    print(f"start {start}")
    print("outputs before training:", network.predict(X).ravel())

    history = train(network, X, y, loss=LOSS, optimizer=OPTIMIZER, epochs=10_000)
    for epoch in (1, 10, 100, 1_000, 5_000, 10_000):
        row = history[epoch - 1]
        print(f"  epoch {epoch:>6,}: loss {row['loss']:.6f}, length of the gradient {row['gradient_norm']:.6f}")

    outputs = network.predict(X)
    print("outputs after training: ", outputs.ravel(), "for", y.ravel())
    for name, values in network.named_parameters.items():
        print(f"{name}:\n{values}")
    if ((outputs > 0.5) == y).all():
        print("Solved: every output is on the right side of 0.5.")
    else:
        explain(network)
    return network


def explain(network: Network) -> None:
    """Print why the network is stuck: two rows that want different answers look the same to its last neuron."""
    hidden = network.layers[1].forward(network.layers[0].forward(X.astype(float))[0])[0]
    print("Stuck. What the three hidden neurons make of each row:")
    for row, values, wanted in zip(X, hidden, y.ravel(), strict=True):
        print(f"  {row} -> {values}, wanted {wanted}")
    zeros, ones = np.flatnonzero(y.ravel() == 0), np.flatnonzero(y.ravel() == 1)
    distance, zero, one = min((float(np.abs(hidden[i] - hidden[j]).max()), i, j) for i in zeros for j in ones)
    a, b = network.predict(X[[zero, one]]).ravel()
    print(
        f"Rows {X[zero]} and {X[one]} want different answers, but their hidden values differ by at most {distance:.3f}."
    )
    print(f"The last neuron cannot tell them apart and answers {a:.2f} and {b:.2f}, between the two.")
    flat = (hidden[[zero, one]] * (1 - hidden[[zero, one]])).max()
    print(f"There the hidden neurons are saturated: their slope a (1 - a) is at most {flat:.4f}; 0.25 is steepest.")
    print("So the gradient that would part the two rows has all but vanished, and more steps change little.")
    print("Another start may do better.")


if __name__ == "__main__":
    main()
