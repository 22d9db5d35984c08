"""How far a filter detects edges or lines, and the pictures of filters and maps."""

import io
import json
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.utils import parametrizations

from slalom.errors import InputError
from slalom.wire.learned import NOTHING
from slalom_worker.models import MODELS
from slalom_worker.net.objective import Objective
from slalom_worker.training.filters import first_layer, orientation
from slalom_worker.training.learning import learned
from slalom_worker.training.net_rehearsal import rehearse_net
from slalom_worker.training.nets import TrainedTrial
from slalom_worker.training.pack import Pack
from slalom_worker.training.sheets import GAP, png, sheet, signed, stretched
from tests.workers.models import picture_trials
from tests.workers.net.own_nets import WORK, Own
from tests.workers.trials import CPU, order, settings, trial

SIDE = 11
DOWN, RIGHT = torch.meshgrid(torch.arange(SIDE) - 5.0, torch.arange(SIDE) - 5.0, indexing="ij")


def one(filters):
    return float(orientation(torch.as_tensor(filters)[None, None]))


def gabor(angle, frequency=1.0):
    phase = frequency * (RIGHT * math.cos(angle) + DOWN * math.sin(angle))
    return torch.exp(-(RIGHT**2 + DOWN**2) / 18) * torch.cos(phase)


def edge(angle):
    return torch.tanh(3 * (RIGHT * math.cos(angle) + DOWN * math.sin(angle)))


ANGLES = [0.0, 0.3, math.pi / 4, 1.2, math.pi / 2, 2.5]


@pytest.mark.parametrize("angle", ANGLES)
def test_edges_and_gabors_of_all_directions_score_high(angle):
    assert one(gabor(angle)) > 0.8
    assert one(edge(angle)) > 0.9


@pytest.mark.parametrize(
    "filters",
    [
        torch.exp(-(RIGHT**2 + DOWN**2) / 8),
        torch.cos((RIGHT**2 + DOWN**2).sqrt()),
        (RIGHT + DOWN) % 2,
        torch.full((5, 5), 3.3),
        torch.zeros(5, 5),
        torch.ones(1, 1),
        torch.arange(5.0)[None],
    ],
    ids=["blob", "ring", "checkerboard", "constant", "zero", "pixel", "row of pixels"],
)
def test_what_has_no_direction_scores_nothing(filters):
    assert one(filters) < 1e-9


def test_noise_scores_low():
    noise = torch.randn(500, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    assert float(orientation(noise).mean()) < 0.2


def test_neither_scale_nor_offset_nor_sign_matters():
    filters = torch.randn(20, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    found = orientation(filters)
    for other in (1e-6 * filters, -filters, filters + torch.tensor([4.0, -2.0, 1.0])[:, None, None], filters.double()):
        torch.testing.assert_close(orientation(other), found, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(orientation(filters.mT), found)
    torch.testing.assert_close(orientation(filters.flip(-1)), found)


def test_it_is_the_structure_tensors_coherence():
    """As its eigenvalues say, worked out pixel by pixel."""
    filters = np.random.default_rng(0).normal(size=(3, 4, 5))
    tensor = np.zeros((2, 2))
    for channel in filters:
        for row in range(3):
            for column in range(4):
                four = channel[row : row + 2, column : column + 2]
                slope = np.array([four[:, 1].sum() - four[:, 0].sum(), four[1].sum() - four[0].sum()]) / 2
                tensor += np.outer(slope, slope)
    small, large = np.linalg.eigvalsh(tensor)
    (found,) = orientation(torch.as_tensor(filters)[None]).tolist()
    assert found == pytest.approx((large - small) / (large + small))


def test_channels_of_other_directions_cancel():
    crossed = torch.stack([edge(0.0), edge(math.pi / 2)])[None]
    assert float(orientation(crossed)) < 1e-6


def test_the_first_layer_is_found_where_it_is_a_convolution():
    maps = nn.Sequential(nn.Identity(), nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), nn.Linear(2, 2))
    assert first_layer(maps).name == "1.0.weight"
    assert first_layer(nn.Conv2d(1, 2, 3)).name == "weight"
    for other in (nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 2, 3)), nn.Linear(2, 2), nn.Conv1d(1, 2, 3), nn.ReLU()):
        assert first_layer(other) is None


WITHOUT_WEIGHTS = {
    "frozen": lambda convolution: convolution.requires_grad_(False),
    "weight_norm": parametrizations.weight_norm,
    "spectral_norm": parametrizations.spectral_norm,
}


@pytest.mark.parametrize("change", WITHOUT_WEIGHTS.values(), ids=WITHOUT_WEIGHTS)
@pytest.mark.parametrize("bias", [True, False])
def test_a_first_convolution_without_trained_weights_has_learned_no_filters(change, bias):
    def make():
        return nn.Sequential(change(nn.Conv2d(1, 2, 3, bias=bias)), nn.Flatten(), nn.Linear(2 * 6 * 6, 2))

    task = Own(make, (1, 8, 8))
    program = Objective(WORK, task.load(), task, CPU)
    net = TrainedTrial.start(order(trial(0, program.work, settings("sgd"))), program)
    assert learned(program, net) == NOTHING


class Called(nn.Module):
    """A net whose first convolution is called in a way of its own."""

    def __init__(self, convolution, call):
        super().__init__()
        self.convolution, self.call, self.out = convolution, call, nn.Linear(2 * 6 * 6, 2)

    def forward(self, inputs):
        return self.out(self.call(self.convolution, inputs).flatten(1))


class InPairs(nn.Conv2d):
    """A convolution that gives its maps and their number."""

    def forward(self, inputs):
        return super().forward(inputs), self.out_channels


CALLS = {
    "by name": (lambda: Called(nn.Conv2d(1, 2, 3), lambda layer, inputs: layer(input=inputs)), True),
    "in pairs": (lambda: Called(InPairs(1, 2, 3), lambda layer, inputs: layer(inputs)[0]), False),
}


@pytest.mark.parametrize(("make", "has_maps"), CALLS.values(), ids=CALLS)
def test_maps_are_shown_where_the_first_layer_gives_a_tensor(make, has_maps):
    task = Own(make, (1, 8, 8))
    program = Objective(WORK, task.load(), task, CPU)
    net = TrainedTrial.start(order(trial(0, program.work, settings("sgd"))), program)
    files = learned(program, net).files
    assert "filters/first_layer.png" in files
    assert ("filters/maps.png" in files) == has_maps


def test_a_look_at_a_net_that_would_fail_after_the_training_is_refused_before(monkeypatch):
    def fail(*_):
        raise ValueError("no such picture")

    monkeypatch.setattr("slalom_worker.training.learning.sheet", fail)
    task = Own(lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 6 * 6, 2)), (1, 8, 8))
    with pytest.raises(InputError, match="model: a look at what the net has learned must not raise, but got V"):
        rehearse_net([trial(0, WORK, settings("sgd"))], task.load(), task)


def image(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def test_a_picture_is_read_as_it_was_written():
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)
    np.testing.assert_array_equal(image(png(pixels)), pixels)


def test_tiles_are_enlarged_and_stand_side_by_side():
    black, colour = np.zeros((2, 2), np.uint8), np.full((3, 3, 3), (10, 20, 30), np.uint8)
    page = image(sheet([[black, colour], [colour, black]], 5))
    side = 6
    assert page.shape == (2 * (side + GAP) + GAP, 2 * (side + GAP) + GAP, 3)
    assert page[GAP, GAP].tolist() == [0, 0, 0]
    assert page[GAP, GAP + side + GAP].tolist() == [10, 20, 30]
    assert page[0].min() == page[:, -1].min() == 255


def test_zero_is_grey_and_the_scale_is_one():
    assert signed(np.array([[-2.0, 0.0, 1.0]])).tolist() == [[0, 128, 191]]
    assert stretched(np.array([[1.0, 2.0, 3.0]])).tolist() == [[0, 128, 255]]
    assert signed(np.zeros((1, 2))).tolist() == stretched(np.full((1, 2), 7.0)).tolist() == [[128, 128]]


def trained(name, epochs=1, **structure):
    of = picture_trials.work(name, **structure)
    program = picture_trials.objective(of)
    chosen = settings("momentum", learning_rate=0.05, **({"ensemble": ENSEMBLE} if name == "lenet5_modern" else {}))
    net = TrainedTrial.start(order(trial(0, of, chosen, epochs=epochs)), program)
    pack = Pack(program)
    pack.seat(net.slots)
    for _ in range(epochs):
        pack.advance()
    return program, net


ENSEMBLE = {"combine": "mean", "members": 2, "bagging": False}
FIRST = {"convnet": 3, "lenet5_modern": 6, "lenet1989": 12, "lenet5": 6, "2c2d": 32}


@pytest.mark.parametrize("name", FIRST)
def test_what_a_net_of_pictures_has_learned_is_shown(name):
    program, net = trained(name, **({"channels": (3,)} if name == "convnet" else {}))
    found = learned(program, net)
    table = json.loads(found.files["filters/orientation.json"])
    assert [row["filter"] for row in table] == list(range(FIRST[name]))
    if len(net.slots) == 1:
        for metric, column in (("orientation", "orientation"), ("orientation_initial", "initial")):
            mean = sum(row[column] for row in table) / len(table)
            assert found.metrics[f"filters.{metric}"] == pytest.approx(mean)
    assert any(row["orientation"] != row["initial"] for row in table)
    pages = {place: image(content) for place, content in found.files.items() if place.endswith(".png")}
    assert set(pages) == {f"filters/{page}.png" for page in ("first_layer", "first_layer_initial", "maps")}
    assert not np.array_equal(pages["filters/first_layer.png"], pages["filters/first_layer_initial.png"])
    assert all(len(np.unique(page)) > 20 for page in pages.values())


def test_at_the_start_filters_are_those_at_the_start():
    program, net = trained("convnet", epochs=0)
    found = learned(program, net)
    assert found.metrics["filters.orientation"] == found.metrics["filters.orientation_initial"]
    assert found.files["filters/first_layer.png"] == found.files["filters/first_layer_initial.png"]


@pytest.mark.parametrize("connectivity", MODELS["convnet"].structure["connectivity"].options)
def test_a_net_without_shared_weights_has_no_filters(connectivity):
    program, net = trained("convnet", epochs=0, connectivity=connectivity, channels=(2,))
    assert bool(learned(program, net).files) == (connectivity == "shared")
