"""Keys that people know from other tools, and what to write in a study file instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIPPING = "the largest norm of the gradient is `clip_norm: 1.0`"
STOPPING = "training ends early by `early_stopping: 5`, epochs without a smaller validation loss"
SCHEDULE = "the learning rate's is `learning_rate_schedule: cosine`, or a list such as `[warm_up, cosine]`"
DROPOUT = "dropout is `hidden_dropout` and `input_dropout`"
AUGMENTATION = (
    "training pictures are changed by `augmentation: mirror`, or by a list, `[{method: crop, pad: 4}, mirror]`"
)
TEN_CROP = "predictions of ten crops are averaged by `evaluation: {by: ten_crop, size: 24}`"

HINTS: Mapping[str, str] = {
    "label_smoothing": "it is an option of the loss: `loss: {name: cross_entropy, label_smoothing: 0.1}`",
    "lr": "the step size is `learning_rate`",
    "wd": "the L2 penalty is `weight_decay`",
    "l2": "the L2 penalty is `weight_decay`",
    **dict.fromkeys(
        ("clip", "grad_clip", "gradient_clipping", "max_norm", "max_grad_norm", "clip_grad_norm"), CLIPPING
    ),
    **dict.fromkeys(("patience", "early_stop"), STOPPING),
    **dict.fromkeys(
        ("schedule", "schedules", "scheduler", "lr_schedule", "lr_scheduler", "warmup", "warm_up"), SCHEDULE
    ),
    **dict.fromkeys(("dropout", "dropout_rate"), DROPOUT),
    **dict.fromkeys(("augment", "augmentations", "transforms"), AUGMENTATION),
    **dict.fromkeys(("ten_crop", "tta", "crops"), TEN_CROP),
    "metrics": "several are `metric: {name: macro_f1, record: [auc, log_loss]}`, of which the first decides",
    "seeds": "the study's is `seed`, and those of confirm trials are `confirm: {seeds: 3}`",
    "batch": "examples of a step are `batch_size`",
    "init": "initial weights are drawn by `initialization`",
}
"""What to write instead, by a key that no mapping of a study has."""
