"""Torch's own layers, and nets of published kinds: a pack trains each as torch does, or it is refused by name."""

from dataclasses import replace

import pytest
from torch import nn

from slalom.errors import InputError
from slalom_worker.training.net_rehearsal import rehearse_net
from tests.support.tiers import few
from tests.workers.checks import check_invariance
from tests.workers.net.own_nets import WORK, Own
from tests.workers.net.published import PUBLISHED
from tests.workers.training.test_own_nets import CHOSEN, objective, specs
from tests.workers.trials import trial

FLAT, SERIES, IMAGE, VOLUME = (8,), (4, 8), (4, 6, 6), (2, 4, 4, 4)


class First(nn.Module):
    """A layer that gives a tuple, of which the first is used."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, inputs):
        return self.layer(inputs)[0]


class Words(First):
    """A layer that takes whole numbers from 0 to 9."""

    def forward(self, inputs):
        return self.layer((3 * inputs).long().clamp(0, 9))


class Selfish(First):
    """A layer that takes what it attends to beside the inputs."""

    def forward(self, inputs):
        return self.layer(inputs, inputs)


class Both(First):
    def forward(self, inputs):
        return self.layer(inputs[:, :4], inputs[:, 4:])


class Cell(First):
    def forward(self, inputs):
        state = self.layer(inputs[:, 0])
        return state[0] if isinstance(state, tuple) else state


class Unpooled(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool, self.back = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)

    def forward(self, inputs):
        return self.back(*self.pool(inputs))


LAYERS = {
    "Linear": (FLAT, lambda: nn.Linear(8, 5)),
    "Bilinear": (FLAT, lambda: Both(nn.Bilinear(4, 4, 5))),
    "Identity": (FLAT, nn.Identity),
    "Embedding": (FLAT, lambda: Words(nn.Embedding(10, 3))),
    "Embedding with padding": (FLAT, lambda: Words(nn.Embedding(10, 3, padding_idx=0))),
    "EmbeddingBag": (FLAT, lambda: Words(nn.EmbeddingBag(10, 3))),
    "Conv1d": (SERIES, lambda: nn.Conv1d(4, 3, 3)),
    "Conv2d": (IMAGE, lambda: nn.Conv2d(4, 3, 3, padding=1)),
    "Conv2d in groups": (IMAGE, lambda: nn.Conv2d(4, 4, 3, groups=4)),
    "Conv2d reflecting": (IMAGE, lambda: nn.Conv2d(4, 3, 3, padding=1, padding_mode="reflect")),
    "Conv3d": (VOLUME, lambda: nn.Conv3d(2, 3, 3)),
    "ConvTranspose1d": (SERIES, lambda: nn.ConvTranspose1d(4, 3, 3)),
    "ConvTranspose2d": (IMAGE, lambda: nn.ConvTranspose2d(4, 3, 3, stride=2)),
    "ConvTranspose3d": (VOLUME, lambda: nn.ConvTranspose3d(2, 3, 2)),
    "MaxPool1d": (SERIES, lambda: nn.MaxPool1d(2)),
    "MaxPool2d": (IMAGE, lambda: nn.MaxPool2d(2)),
    "MaxPool3d": (VOLUME, lambda: nn.MaxPool3d(2)),
    "MaxUnpool2d": (IMAGE, Unpooled),
    "AvgPool1d": (SERIES, lambda: nn.AvgPool1d(2)),
    "AvgPool2d": (IMAGE, lambda: nn.AvgPool2d(2)),
    "AvgPool3d": (VOLUME, lambda: nn.AvgPool3d(2)),
    "LPPool1d": (SERIES, lambda: nn.LPPool1d(2, 2)),
    "AdaptiveAvgPool2d": (IMAGE, lambda: nn.AdaptiveAvgPool2d(2)),
    "AdaptiveMaxPool2d": (IMAGE, lambda: nn.AdaptiveMaxPool2d(2)),
    "Unfold": (IMAGE, lambda: nn.Unfold(3)),
    "PixelShuffle": (IMAGE, lambda: nn.PixelShuffle(2)),
    "ChannelShuffle": (IMAGE, lambda: nn.ChannelShuffle(2)),
    "Upsample": (IMAGE, lambda: nn.Upsample(scale_factor=2, mode="bilinear")),
    "ReflectionPad2d": (IMAGE, lambda: nn.ReflectionPad2d(1)),
    "ReplicationPad1d": (SERIES, lambda: nn.ReplicationPad1d(1)),
    "ZeroPad2d": (IMAGE, lambda: nn.ZeroPad2d(1)),
    "CircularPad1d": (SERIES, lambda: nn.CircularPad1d(1)),
    "BatchNorm1d": (SERIES, lambda: nn.BatchNorm1d(4)),
    "BatchNorm2d": (IMAGE, lambda: nn.BatchNorm2d(4)),
    "BatchNorm3d": (VOLUME, lambda: nn.BatchNorm3d(2)),
    "SyncBatchNorm": (IMAGE, lambda: nn.SyncBatchNorm(4)),
    "InstanceNorm2d": (IMAGE, lambda: nn.InstanceNorm2d(4, affine=True)),
    "InstanceNorm2d with statistics": (IMAGE, lambda: nn.InstanceNorm2d(4, track_running_stats=True)),
    "GroupNorm": (IMAGE, lambda: nn.GroupNorm(2, 4)),
    "LayerNorm": (FLAT, lambda: nn.LayerNorm(8)),
    "RMSNorm": (FLAT, lambda: nn.RMSNorm(8)),
    "LocalResponseNorm": (IMAGE, lambda: nn.LocalResponseNorm(2)),
    "PReLU": (FLAT, nn.PReLU),
    "GLU": (FLAT, nn.GLU),
    "Softmax": (FLAT, lambda: nn.Softmax(-1)),
    "Softmin": (FLAT, lambda: nn.Softmin(-1)),
    "Hardswish": (FLAT, nn.Hardswish),
    "Tanhshrink": (FLAT, nn.Tanhshrink),
    "Threshold": (FLAT, lambda: nn.Threshold(0.1, 0.0)),
    "Dropout2d": (IMAGE, lambda: nn.Dropout2d(0.3)),
    "Dropout1d": (SERIES, lambda: nn.Dropout1d(0.3)),
    "RNN": (SERIES, lambda: First(nn.RNN(8, 5, batch_first=True))),
    "LSTM of two directions": (SERIES, lambda: First(nn.LSTM(8, 5, batch_first=True, bidirectional=True))),
    "LSTM projected": (SERIES, lambda: First(nn.LSTM(8, 5, proj_size=3, batch_first=True))),
    "GRU": (SERIES, lambda: First(nn.GRU(8, 5, batch_first=True))),
    "LSTMCell": (SERIES, lambda: Cell(nn.LSTMCell(8, 5))),
    "GRUCell": (SERIES, lambda: Cell(nn.GRUCell(8, 5))),
    "TransformerEncoder": (
        SERIES,
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), 2),
    ),
    "TransformerEncoderLayer that drops": (SERIES, lambda: nn.TransformerEncoderLayer(8, 2, 16, 0.1, batch_first=True)),
    "Transformer that drops": (SERIES, lambda: Selfish(nn.Transformer(8, 2, 1, 1, 16, 0.1, batch_first=True))),
    "TransformerDecoderLayer": (SERIES, lambda: Selfish(nn.TransformerDecoderLayer(8, 2, 16, 0.0, batch_first=True))),
    "Transformer": (SERIES, lambda: Selfish(nn.Transformer(8, 2, 1, 1, 16, 0.0, batch_first=True))),
}
"""Shape of an example and what makes the layer."""

REFUSED = {
    "RReLU": (FLAT, nn.RReLU, r"0 \(RReLU\) draws random numbers of its own"),
    "AlphaDropout": (FLAT, lambda: nn.AlphaDropout(0.1), r"0 \(AlphaDropout\) draws random numbers of its own"),
    "FeatureAlphaDropout": (IMAGE, lambda: nn.FeatureAlphaDropout(0.1), r"0 \(FeatureAlphaDropout\) draws random"),
    "FractionalMaxPool2d": (IMAGE, lambda: nn.FractionalMaxPool2d(2, 3), r"0 \(FractionalMaxPool2d\) draws random"),
    "LSTM that drops": (
        SERIES,
        lambda: First(nn.LSTM(8, 5, 2, batch_first=True, dropout=0.1)),
        r"0.layer \(LSTM\) draws random numbers of its own in training",
    ),
    "attention over examples": (SERIES, lambda: nn.TransformerEncoderLayer(8, 2, 16, 0.0), "predicts something else"),
    "BatchNorm1d without statistics": (
        SERIES,
        lambda: nn.BatchNorm1d(4, track_running_stats=False),
        r"0 \(BatchNorm1d\) keeps no running statistics",
    ),
}


def net(make):
    return lambda: nn.Sequential(make(), nn.Flatten(), nn.LazyLinear(2))


NETS = {**{name: (shape, net(make)) for name, (shape, make) in LAYERS.items()}, **PUBLISHED}


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")
@pytest.mark.parametrize("name", few(NETS, 6))
def test_a_pack_trains_the_net_as_torch_does(name):
    shape, make = NETS[name]
    for precision in ("float64", "float32"):
        task = Own(make, shape)
        rehearse_net([trial(0, replace(WORK, precision=precision), CHOSEN[0])], task.load(), task)
    program = objective(make, "float32", shape=shape)
    check_invariance(program, specs(program, 5), (1, 2), disturbed=False)


@pytest.mark.parametrize("name", REFUSED)
def test_the_layer_is_refused_by_name(name):
    shape, make, rule = REFUSED[name]
    task = Own(net(make), shape)
    with pytest.raises(InputError, match=rule):
        rehearse_net([trial(0, WORK, CHOSEN[0])], task.load(), task)
