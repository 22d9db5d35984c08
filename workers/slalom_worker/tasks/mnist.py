"""MNIST: 70,000 grey images, 28 x 28, of handwritten digits.

The files come from the task's option `data`, or from a cache in the home folder that is filled from a mirror. All must
have the content that the authors published. Of the authors' 60,000 training examples 10,000 validate.
Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner 1998, "Gradient-based learning applied to document recognition",
III.A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slalom_worker.tasks.base import TaskKind
from slalom_worker.tasks.idx import IdxPictures
from slalom_worker.tasks.published import Published
from slalom_worker.tasks.published_pictures import options

TRAINING_EXAMPLES = 60_000
PUBLISHED = Published(
    name="MNIST",
    cache="mnist",
    checksums={
        "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    address="https://ossci-datasets.s3.amazonaws.com/mnist",
    instead="try again later, or set the task's option data to a folder with the four files",
)


@dataclass(frozen=True)
class Mnist(IdxPictures):
    """50,000 training, 10,000 validation, 10,000 test examples; see IdxPictures and PublishedPictures."""

    published: ClassVar[Published] = PUBLISHED


MNIST = TaskKind(Mnist, options(TRAINING_EXAMPLES), folders=("data",))
