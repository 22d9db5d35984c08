"""Fashion-MNIST: 70,000 grey images, 28 x 28, of ten kinds of clothing.

The files come from the task's option `data`, from Debian's package dataset-fashion-mnist, or from a cache in
the home folder that is filled from the authors' address. All must have the content that the authors published.
Of the authors' 60,000 training examples 10,000 validate.
Source: H. Xiao, K. Rasul, R. Vollgraf 2017, "Fashion-MNIST", arXiv:1708.07747 (MIT licence).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from slalom_worker.tasks.base import TaskKind
from slalom_worker.tasks.idx import IdxPictures
from slalom_worker.tasks.published import Published
from slalom_worker.tasks.published_pictures import options

TRAINING_EXAMPLES = 60_000
PUBLISHED = Published(
    name="Fashion-MNIST",
    cache="fashion_mnist",
    checksums={
        "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    address="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    instead=(
        "try again later, install Debian's package dataset-fashion-mnist, "
        "or set the task's option data to a folder with the four files"
    ),
    package=Path("/usr/share/datasets/fashion-mnist"),
)


@dataclass(frozen=True)
class FashionMnist(IdxPictures):
    """50,000 training, 10,000 validation, 10,000 test examples; see IdxPictures and PublishedPictures."""

    published: ClassVar[Published] = PUBLISHED


FASHION_MNIST = TaskKind(FashionMnist, options(TRAINING_EXAMPLES), folders=("data",))
