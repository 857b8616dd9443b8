"""Self-modeling and its controls in NumPy, without automatic differentiation: losses, gradients, Nesterov steps.

The network is dense + ReLU and ONE final dense layer of classes + targets outputs, as in the paper's code, where the
package has two layers side by side: agreement shows that they are the same function and train alike.
"""

import numpy as np


class WidenedNetwork:
    """x → ReLU(x·w + b) = h → h·v + c = (scores, â), in double precision."""

    def __init__(self, hidden_kernel, hidden_bias, final_kernel, final_bias, classes: int) -> None:
        self.weights = [np.asarray(a, np.float64) for a in (hidden_kernel, hidden_bias, final_kernel, final_bias)]
        self.classes = classes
        self.velocities = [np.zeros_like(w) for w in self.weights]

    def losses_and_gradients(
        self, x, y, aux_weight, *, stop_gradient=True, unit_rms=False, sample_weight=None, target=None
    ):
        """Returns task loss, self-prediction loss and the gradient of their weighted sum.

        `target` is a function of the hidden activations whose value is predicted, as a constant, in their place.
        """
        w, b, v, c = self.weights
        batch = len(x)
        each = np.ones(batch) if sample_weight is None else np.asarray(sample_weight, np.float64)
        before = x @ w + b
        hidden = np.maximum(before, 0.0)
        outputs = hidden @ v + c
        scores, prediction = outputs[:, : self.classes], outputs[:, self.classes :]

        shifted = scores - scores.max(axis=1, keepdims=True)
        probabilities = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
        task_loss = float(-(each * np.log(probabilities[np.arange(batch), y])).sum() / batch)
        d_scores = probabilities.copy()
        d_scores[np.arange(batch), y] -= 1.0
        d_scores *= each[:, None] / batch

        mean_square = np.mean(hidden**2) + 1e-7  # Keras's epsilon
        if target is None:
            target = hidden / np.sqrt(mean_square) if unit_rms else hidden
        else:
            target = target(hidden)
        error = prediction - target
        self_loss = float((each[:, None] * error**2).sum() / error.size)
        d_prediction = aux_weight * 2.0 * each[:, None] * error / error.size

        d_outputs = np.concatenate([d_scores, d_prediction], axis=1)
        d_hidden = d_outputs @ v.T
        if not stop_gradient:
            d_target = -d_prediction
            if unit_rms:  # derivative of h/√(mean(h²) + ε)
                inner = np.sum(d_target * hidden) / (hidden.size * mean_square)
                d_target = (d_target - hidden * inner) / np.sqrt(mean_square)
            d_hidden = d_hidden + d_target
        d_before = d_hidden * (before > 0)
        gradients = [x.T @ d_before, d_before.sum(axis=0), hidden.T @ d_outputs, d_outputs.sum(axis=0)]
        return task_loss, self_loss, gradients

    def step(self, x, y, aux_weight, learning_rate, momentum=0.0, **kwargs):
        """One step of SGD with Nesterov momentum, as Keras and PyTorch define it."""
        task_loss, self_loss, gradients = self.losses_and_gradients(x, y, aux_weight, **kwargs)
        for i, gradient in enumerate(gradients):
            self.velocities[i] = momentum * self.velocities[i] - learning_rate * gradient
            self.weights[i] = self.weights[i] + momentum * self.velocities[i] - learning_rate * gradient
        return task_loss, self_loss


def classifier_gradients(weights, x, y, *, mask=1.0, d_hidden=lambda hidden: 0.0, sample_weight=None):
    """Task loss of x → ReLU(x·w + b) = h → (mask·h)·v + c = scores, and its gradient.

    `d_hidden(h)` is the gradient of whatever else the loss holds, with respect to h.
    """
    w, b, v, c = (np.asarray(a, np.float64) for a in weights)
    each = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    before = x @ w + b
    hidden = np.maximum(before, 0.0)
    scores = (mask * hidden) @ v + c
    shifted = scores - scores.max(axis=1, keepdims=True)
    probabilities = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    loss = float(-(each * np.log(probabilities[np.arange(len(x)), y])).mean())
    d_scores = probabilities
    d_scores[np.arange(len(x)), y] -= 1.0
    d_scores *= each[:, None] / len(x)
    d_before = (mask * (d_scores @ v.T) + d_hidden(hidden)) * (before > 0)
    return loss, [x.T @ d_before, d_before.sum(axis=0), (mask * hidden).T @ d_scores, d_scores.sum(axis=0)]
