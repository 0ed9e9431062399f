"""What stands in which patch: the targets of the first lesson and their loss."""
import numpy as np
import torch
from torch.nn import functional as F

from network import GRID
from scenes import COLORS, SHAPES

S, C = len(SHAPES), len(COLORS)


def patch_targets(objects: np.ndarray):
    """objects [B, 3, 5] → index of the patch that holds each centre, or −1, and the offset in the patch and the size."""
    present = objects[..., 0] >= 0
    place = np.clip(objects[..., 2:4], 0, 0.999) * GRID
    cell = np.floor(place)
    index = (cell[..., 1] * GRID + cell[..., 0]).astype(np.int64)
    index[~present] = -1
    return torch.from_numpy(index), torch.from_numpy(np.concatenate([place - cell, objects[..., 4:5] * 4], -1))


def detection_loss(patch, ground, objects: np.ndarray, background: np.ndarray):
    """patch [B, 1+S+C+3, 8, 8], ground [B, C]: a loss, and the fractions of right shapes, colours and object counts."""
    index, geometry = patch_targets(objects)
    flat = patch.flatten(2)
    batch, slot = (index >= 0).nonzero(as_tuple=True)
    at = flat[batch, :, index[batch, slot]]
    target = torch.zeros(flat.shape[0], flat.shape[2])
    target[batch, index[batch, slot]] = 1
    shape = torch.from_numpy(objects[..., 0].astype(np.int64))[batch, slot]
    color = torch.from_numpy(objects[..., 1].astype(np.int64))[batch, slot]
    presence = F.binary_cross_entropy_with_logits(flat[:, 0], target, reduction="sum") / len(batch)
    loss = (
        presence
        + F.cross_entropy(at[:, 1 : 1 + S], shape)
        + F.cross_entropy(at[:, 1 + S : 1 + S + C], color)
        + F.smooth_l1_loss(at[:, 1 + S + C :], geometry[batch, slot])
        + F.cross_entropy(ground, torch.from_numpy(background))
    )
    with torch.no_grad():
        right = [
            (at[:, 1 : 1 + S].argmax(1) == shape).float().mean(),
            (at[:, 1 + S : 1 + S + C].argmax(1) == color).float().mean(),
            ((flat[:, 0] > 0).sum(1) == target.sum(1)).float().mean(),
            (ground.argmax(1) == torch.from_numpy(background)).float().mean(),
        ]
    return loss, torch.stack(right).numpy()
