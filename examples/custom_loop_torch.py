"""A custom training loop on PyTorch: the auxiliary loss is among the losses of the model."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import numpy as np
import torch

import keras_selfmodel as ksm

x = np.random.default_rng(0).normal(size=(256, 8)).astype("float32")
y = (x[:, 0] > 0).astype("int64")
model = ksm.SelfModelingModel(ksm.models.mlp(16, inputs=8, classes=2, seed=1), "hidden", aux_weight=1.0, seed=1)
task = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
batches = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y)), batch_size=64)

for epoch in range(5):
    for inputs, labels in batches:
        optimizer.zero_grad()
        scores = model(inputs, training=True)
        loss = task(scores, labels.to(scores.device)) + sum(model.losses)  # task loss + AW · auxiliary loss
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.3f}")
print(model.evaluate_self_prediction(x))
