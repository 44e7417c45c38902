"""Train small networks in PyTorch in float64 and write down the weights on the way, for the project to arrive at.

Independent of the project: only the descriptions of layers, losses and optimizers are in its words.
Run with NumPy and PyTorch, which the tests do not need: python make_torch_trajectories.py > torch_trajectories.json
"""

import json

import numpy as np

N_ROWS, N_INPUTS, BATCH_SIZE, N_EPOCHS = 12, 3, 3, 5  # 20 steps
SHOWN_STEPS = (1, 8, 20)


def dense(n_outputs):
    return {"type": "Dense", "n_outputs": n_outputs}


def activation(name):
    return {"type": "ActivationLayer", "function": {"type": name}}


def mlp(first, second, n_outputs=2):
    return [dense(5), activation(first), dense(4), activation(second), dense(n_outputs)]


SQUARED = {"type": "SquaredError"}
ADAM = {"type": "Adam", "learning_rate": 0.02}

CASES = {
    "sgd": (mlp("Tanh", "GELU"), SQUARED, {"type": "SGD", "learning_rate": 0.1}),
    "sgd_momentum": (mlp("GELU", "SiLU"), SQUARED, {"type": "SGD", "learning_rate": 0.05, "momentum": 0.9}),
    "sgd_nesterov": (
        mlp("SiLU", "Tanh"),
        SQUARED,
        {"type": "SGD", "learning_rate": 0.05, "momentum": 0.8, "nesterov": True},
    ),
    "rmsprop": (
        mlp("Tanh", "SiLU"),
        SQUARED,
        {"type": "RMSprop", "learning_rate": 0.01, "decay": 0.95, "epsilon": 1e-6},
    ),
    "adam": (mlp("Tanh", "GELU"), SQUARED, ADAM),
    "adam_betas": (mlp("Mish", "ELU"), SQUARED, {**ADAM, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4}),
    "adamw": (mlp("GELU", "Tanh"), SQUARED, {"type": "AdamW", "learning_rate": 0.02, "weight_decay": 0.1}),
    "binary_cross_entropy": (mlp("Tanh", "SiLU"), {"type": "BinaryCrossEntropy"}, ADAM),
    "cross_entropy": (mlp("GELU", "Tanh", 3), {"type": "CrossEntropy"}, ADAM),
    "cross_entropy_smoothed": (mlp("SiLU", "SELU", 3), {"type": "CrossEntropy", "label_smoothing": 0.1}, ADAM),
    "huber": (mlp("Softplus", "Tanh"), {"type": "Huber", "delta": 0.5}, {"type": "SGD", "learning_rate": 0.2}),
    "poisson": (mlp("Tanh", "Sigmoid"), {"type": "Poisson"}, ADAM),
    "layer_norm": (
        [dense(5), {"type": "LayerNorm"}, activation("GELU"), dense(4), {"type": "LayerNorm"}, dense(2)],
        SQUARED,
        {"type": "SGD", "learning_rate": 0.1, "momentum": 0.5},
    ),
    "batch_norm": (  # without the bias that the normalization cancels: its slope is only rounding, which Adam magnifies
        [{**dense(5), "bias": False}, {"type": "BatchNorm"}, activation("SiLU"), dense(2)],
        SQUARED,
        ADAM,
    ),
    "residual": (
        [dense(4), {"type": "Residual", "layers": [dense(5), activation("Tanh"), dense(4)]}, dense(2)],
        SQUARED,
        {"type": "AdamW", "learning_rate": 0.02, "weight_decay": 0.05},
    ),
}


def targets(loss, rng):
    """Return a target of the kind that the loss takes."""
    if loss["type"] == "BinaryCrossEntropy":
        return rng.integers(0, 2, (N_ROWS, 2)).astype(float)
    if loss["type"] == "CrossEntropy":
        return rng.integers(0, 3, N_ROWS)
    if loss["type"] == "Poisson":
        return rng.poisson(2.0, (N_ROWS, 2)).astype(float)
    return rng.normal(size=(N_ROWS, 2))


def build(layers, n_inputs):
    """Return the torch modules of the described layers, and the number of columns after the last."""
    import torch
    from torch import nn

    class Residual(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return x + self.inner(x)

    modules = []
    for layer in layers:
        kind = layer["type"]
        if kind == "Dense":
            modules.append(nn.Linear(n_inputs, layer["n_outputs"], layer.get("bias", True), dtype=torch.float64))
            n_inputs = layer["n_outputs"]
        elif kind == "ActivationLayer":
            modules.append(getattr(nn, layer["function"]["type"])())
        elif kind == "LayerNorm":
            modules.append(nn.LayerNorm(n_inputs, dtype=torch.float64))
        elif kind == "BatchNorm":
            modules.append(nn.BatchNorm1d(n_inputs, dtype=torch.float64))
        elif kind == "Residual":
            inner, n_inputs = build(layer["layers"], n_inputs)
            modules.append(Residual(inner))
    return nn.Sequential(*modules), n_inputs


def loss_function(loss):
    from torch import nn

    return {
        "SquaredError": lambda: nn.MSELoss(),
        "BinaryCrossEntropy": lambda: nn.BCEWithLogitsLoss(),
        "CrossEntropy": lambda: nn.CrossEntropyLoss(label_smoothing=loss.get("label_smoothing", 0.0)),
        "Huber": lambda: nn.HuberLoss(delta=loss["delta"]),
        "Poisson": lambda: nn.PoissonNLLLoss(log_input=True, full=False),
    }[loss["type"]]()


def optimizer_of(optimizer, model):
    from torch import nn, optim

    rate = optimizer["learning_rate"]
    if optimizer["type"] == "SGD":
        return optim.SGD(
            model.parameters(), rate, momentum=optimizer.get("momentum", 0.0), nesterov=optimizer.get("nesterov", False)
        )
    if optimizer["type"] == "RMSprop":
        return optim.RMSprop(model.parameters(), rate, alpha=optimizer["decay"], eps=optimizer["epsilon"])
    moments = {
        "lr": rate,
        "betas": (optimizer.get("beta1", 0.9), optimizer.get("beta2", 0.999)),
        "eps": optimizer.get("epsilon", 1e-8),
    }
    if optimizer["type"] == "Adam":
        return optim.Adam(model.parameters(), **moments)
    decayed = [module.weight for module in model.modules() if isinstance(module, nn.Linear)]
    others = [parameter for parameter in model.parameters() if all(parameter is not weight for weight in decayed)]
    groups = [{"params": decayed, "weight_decay": optimizer["weight_decay"]}, {"params": others, "weight_decay": 0.0}]
    return optim.AdamW(groups, **moments)


def named_numbers(model):
    """Return weights (transposed to inputs x outputs), biases and running statistics in the project's names."""
    from torch import nn

    found = {}
    for path, module in model.named_modules():
        prefix = path.replace("inner.", "")
        if isinstance(module, nn.Linear):
            found[f"{prefix}.weight"] = module.weight.T
            if module.bias is not None:
                found[f"{prefix}.bias"] = module.bias
        elif isinstance(module, nn.LayerNorm | nn.BatchNorm1d):
            found[f"{prefix}.scale"] = module.weight
            found[f"{prefix}.shift"] = module.bias
        if isinstance(module, nn.BatchNorm1d):
            found[f"{prefix}.mean"] = module.running_mean
            found[f"{prefix}.variance"] = module.running_var
    return {name: tensor.detach().tolist() for name, tensor in found.items()}


def trajectory(index, layers, loss, optimizer):
    """Train and return everything that is needed to do it again, and where it led."""
    import torch

    torch.manual_seed(index)
    rng = np.random.default_rng(index)
    X, y = rng.normal(size=(N_ROWS, N_INPUTS)), targets(loss, rng)
    order = [rng.permutation(N_ROWS).tolist() for _ in range(N_EPOCHS)]
    model, _ = build(layers, N_INPUTS)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    criterion, rule = loss_function(loss), optimizer_of(optimizer, model)
    start, losses, after = named_numbers(model), [], {}
    for rows in order:
        for first in range(0, N_ROWS, BATCH_SIZE):
            batch = rows[first : first + BATCH_SIZE]
            rule.zero_grad()
            value = criterion(model(torch.tensor(X[batch])), torch.tensor(y[batch]))
            value.backward()
            rule.step()
            losses.append(value.item())
            if len(losses) in SHOWN_STEPS:
                after[str(len(losses))] = named_numbers(model)
    model.eval()
    return {
        "layers": layers, "loss": loss, "optimizer": optimizer, "batch_size": BATCH_SIZE,
        "X": X.tolist(), "y": y.tolist(), "order": order, "start": start,
        "losses": losses, "after": after, "outputs": model(torch.tensor(X)).tolist(),
    }  # fmt: skip


if __name__ == "__main__":
    import torch

    runs = {name: trajectory(index, *case) for index, (name, case) in enumerate(CASES.items())}
    print(json.dumps({"made_with": f"PyTorch {torch.__version__.split('+')[0]}", "runs": runs}))
