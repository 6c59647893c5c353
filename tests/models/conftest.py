"""One thread: the networks are small, and waiting threads cost more than they give on a busy machine."""

import torch

torch.set_num_threads(1)
