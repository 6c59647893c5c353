"""The samples of an epoch in batches, in an order and with changes that depend on the seed alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from neurodeploy.data import Dataset
from neurodeploy.training.augment import changed
from neurodeploy.training.draws import generator
from neurodeploy.training.masks import Masks
from neurodeploy.training.parallel import Peers
from neurodeploy.training.rule import Batch
from neurodeploy.training.run_folder import RunInfo


@dataclass(frozen=True, slots=True)
class Batches:
    """Joint batches of `config.batch_size` samples, of which this process of `peers` gets its share.

    The order is drawn from (seed, epoch), the changes to images and the neurons that dropout takes away from (seed,
    epoch, batch), so an epoch can be begun at any batch, and any number of processes sees the same samples.
    """

    dataset: Dataset
    info: RunInfo
    peers: Peers

    def __len__(self) -> int:
        """Number of joint batches in an epoch."""
        return -(-len(self.dataset) // self.info.config.batch_size)

    def shares(self, epoch: int, first: int = 0) -> Iterator[tuple[Batch, int]]:
        """This process's part of every joint batch from `first` on, and how many samples it counts.

        Part r of n are samples r, r + n, ... of the joint batch; a part of none is its first sample and counts 0.
        """
        order = self._order(epoch)
        for number in range(first, len(self)):
            x, labels = self._joint(order, epoch, number)
            own = slice(self.peers.rank, None, self.peers.size)
            counted = len(labels[own])
            part = own if counted else slice(1)
            masks = Masks((self.info.seed, epoch, 2, number), len(labels), part)
            yield self._batch(x[part], labels[part], counted / len(labels), masks), counted

    def whole(self) -> Batch:
        """The first joint batch of the first epoch."""
        return self._batch(*self._joint(self._order(0), 0, 0), 1.0)

    def _order(self, epoch: int) -> npt.NDArray[np.int64]:
        return np.random.default_rng((self.info.seed, epoch)).permutation(len(self.dataset))

    def _joint(
        self, order: npt.NDArray[np.int64], epoch: int, number: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        size, changes = self.info.config.batch_size, self.info.config.augment
        chosen = order[number * size : (number + 1) * size]
        x = torch.from_numpy(self.dataset.x[chosen]).to(self.peers.device)
        if changes:
            x = changed(x, changes, self.dataset.shape, generator(self.info.seed, epoch, 1, number))
        return x, torch.from_numpy(self.dataset.labels()[chosen]).to(self.peers.device)

    def _batch(
        self, x: torch.Tensor, labels: torch.Tensor, weight: float, masks: Masks | None = None
    ) -> Batch:
        if self.dataset.time_axis:
            x = x.transpose(0, 1)
        return Batch(x, labels, self.info.steps, self.dataset.time_axis, weight, self.peers, masks)
