"""The published nets' exact sizes, tables and layers."""

import pytest
import torch
from torch import nn

from slalom.errors import InputError
from slalom_worker.initializations import INITIALIZATIONS
from slalom_worker.models import MODELS, lenet5
from slalom_worker.models.alexnet import layers
from slalom_worker.models.assembly import assemble
from slalom_worker.models.bitmaps import BITMAPS
from slalom_worker.models.planner import Planner
from slalom_worker.models.response import ResponseNormalisation
from slalom_worker.net.curvature import chain
from slalom_worker.net.modules import initialise
from tests.workers.models.picture_trials import STRUCTURES, model
from tests.workers.models.plain import C3, Towers, response, split

PICTURE, PHOTO = (1, 28, 28), (3, 224, 224)

PUBLISHED = {
    "lenet5": (PICTURE, 10, (156, 12, 1516, 32, 48120, 10164)),
    "lenet5_modern": (PICTURE, 10, (156, 2416, 48120, 10164, 850)),
    "lenet1989": ((1, 16, 16), 10, (1068, 2592, 5790, 310)),
    "2c2d": (PICTURE, 10, (832, 51264, 3212288, 10250)),
    "alexnet": (PHOTO, 1000, (34944, 307456, 885120, 663936, 442624, 37752832, 16781312, 4097000)),
    "alexnet_single": (PHOTO, 1000, (34944, 614656, 885120, 1327488, 884992, 37752832, 16781312, 4097000)),
}
PARAMETERS = {
    "lenet5": 60_000,
    "lenet5_modern": 61_706,
    "lenet1989": 9_760,
    "alexnet": 60_965_224,
    "alexnet_single": 62_378_344,
}


def size(name, shape, outputs, **structure):
    return MODELS[name].size(shape, outputs, model(name, **structure))


def built(name, shape, outputs, **structure):
    """The module without memory for its numbers."""
    with torch.device("meta"):
        return MODELS[name].build(shape, outputs, model(name, **structure))


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_net_has_the_published_parameters_layer_by_layer(name):
    shape, outputs, wanted = PUBLISHED[name]
    assert size(name, shape, outputs).layers == wanted
    assert size(name, shape, outputs).parameters == PARAMETERS.get(name, sum(wanted))


def test_a_published_net_has_the_published_connections():
    assert size("lenet5", PICTURE, 10).connections == 340_908
    assert size("lenet1989", (1, 16, 16), 10).connections == 64_660


ALL = [
    *((name, PUBLISHED[name][0], PUBLISHED[name][1], {}) for name in PUBLISHED),
    *((name, (1, 16, 16), 10, structure) for name, structure in STRUCTURES),
    ("mlp", (64,), 10, {"hidden": (5, 4), "bias": False}),
]


def connections(module, inputs):
    """Of each layer the weights and biases that come into its units, counted one unit after the other."""
    total = 0

    def count(part, _inputs, outputs):
        nonlocal total
        units = outputs[0].numel()
        if isinstance(part, nn.Linear):
            total += part.weight.numel() + (0 if part.bias is None else units)
        elif isinstance(part, nn.Conv2d):
            total += units * (part.weight[0].numel() + 1)
        elif type(part).__name__ == "Local":
            total += part.weight.numel() + units
        elif type(part).__name__ == "Maps":
            total += sum(map(len, part.table)) * part.weight[0].numel() * outputs[0, 0].numel() + units
        elif type(part).__name__ == "Subsampling":
            total += 5 * units
        elif type(part).__name__ == "Radial":
            total += part.codes.numel()
        elif isinstance(part, nn.BatchNorm2d | nn.GroupNorm):
            total += 2 * units

    for part in module.modules():
        part.register_forward_hook(count)
    module.eval()(inputs)
    return total


@pytest.mark.parametrize(("name", "shape", "outputs", "structure"), ALL, ids=str)
def test_a_plan_counts_what_the_net_has(name, shape, outputs, structure):
    module, found = built(name, shape, outputs, **structure), size(name, shape, outputs, **structure)
    own = [sum(p.numel() for p in part.parameters(recurse=False)) for part in module.modules()]
    assert found.layers == tuple(count for count in own if count)
    assert found.connections == connections(module, torch.zeros(1, *shape, device="meta"))
    settings = [part.setting for part in module.modules() if hasattr(part, "setting")]
    assert settings == ["input_dropout"] + found.hidden * ["hidden_dropout"]
    if found.uncurved is None:
        chain(module)
    else:
        with pytest.raises(InputError, match="curvature"):
            chain(module)


def test_the_maps_of_c3_see_those_of_the_table():
    assert tuple(tuple(map(int, seen)) for seen in C3.split()) == lenet5.C3
    assert [len(seen) for seen in lenet5.C3] == [3] * 6 + [4] * 9 + [6]
    assert [sum(number in seen for seen in lenet5.C3) for number in range(6)] == [10] * 6


def test_the_codes_are_ten_pictures_of_7_by_12():
    assert len(set(BITMAPS)) == 10
    assert all(len(code) == 84 and set(code) == {1.0, -1.0} for code in BITMAPS)


@pytest.mark.parametrize("channels", [3, 16])
def test_responses_are_normalised_by_the_papers_formula(channels):
    torch.manual_seed(0)
    inputs = 40 * torch.randn(2, channels, 4, 3).double()
    found, wanted = ResponseNormalisation()(inputs), response(inputs)
    assert (found - wanted).norm() < 1e-6 * wanted.norm()
    assert (found - inputs / 2**0.75).norm() > 0.05 * found.norm(), "the sum of squares must matter here"


def two_towers(net, inputs):
    """AlexNet's convolutions in two towers that meet in the third, on the weights of a grouped net."""
    grouped = [part for part in net if isinstance(part, nn.Conv2d)]
    apart, x = [], [inputs]
    for number, layer in enumerate(grouped):
        towers = 1 if number in (0, 2) else 2
        tower = Towers(layer.in_channels, layer.out_channels, layer.kernel_size[0], towers)
        tower.options = {"stride": layer.stride, "padding": layer.padding}
        for place, (weight, bias) in enumerate(
            zip(layer.weight.detach().chunk(towers), layer.bias.detach().chunk(towers), strict=True)
        ):
            tower.weights[place] = nn.Parameter(weight.clone())
            tower.biases[place] = nn.Parameter(bias.clone())
        apart.append(tower)
        x = split(torch.relu(torch.cat(tower(x), 1)), 2)
        if number < 2:
            x = [response(one) for one in x]
        if number in (0, 1, 4):
            x = [nn.functional.max_pool2d(one, 3, 2) for one in x]
    x = torch.cat(x, 1).flatten(1)
    first, second, last = [part for part in net if isinstance(part, nn.Linear)]
    return last(torch.relu(second(torch.relu(first(x))))), apart


def test_two_towers_are_one_grouped_net_with_the_same_weights():
    torch.manual_seed(0)
    plan = layers(Planner("narrow", (3, 67, 67)).picture(), (8, 12, 10, 8, 6), (9, 7), 5, towers=2)
    net = assemble(plan).double().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn_like(parameter) / max(1, parameter[0].numel()) ** 0.5)
    inputs = torch.randn(3, 3, 67, 67).double()
    outputs = net(inputs)
    wanted, apart = two_towers(net, inputs)
    assert (outputs - wanted).abs().max() < 1e-9
    (outputs**2).sum().backward()
    grouped = [part for part in net if isinstance(part, nn.Conv2d)]
    slopes = torch.autograd.grad((wanted**2).sum(), [weight for tower in apart for weight in tower.weights])
    for layer in grouped:
        own = [slopes[0]] if layer.groups == 1 else slopes[:2]
        slopes = slopes[len(own) :]
        assert (layer.weight.grad - torch.cat(list(own))).norm() < 1e-9 * layer.weight.grad.norm()


@torch.no_grad()
def test_published_weights_begin_as_published():
    torch.manual_seed(0)
    net = MODELS["lenet5"].build(PICTURE, 10, model("lenet5"))
    fans = {"3": 25, "5": 4, "9": 4, "11": 400, "15": 120}
    for name, fan in fans.items():
        weight = net.get_submodule(name).weight
        assert 0.6 * 2.4 / fan < weight.abs().max() <= 2.4 / fan, name
    c3 = net[7]
    for weights, own in c3.fans():
        assert 0.9 * 2.4 / own.inputs < weights.abs().max() <= 2.4 / own.inputs
    deepobs = MODELS["2c2d"].build(PICTURE, 10, model("2c2d"))[9]
    assert deepobs.weight.abs().max() <= 0.1
    assert float(deepobs.weight.std()) == pytest.approx(0.044, rel=0.02)  # of a normal cut off at two deviations
    assert bool((deepobs.bias == 0.05).all())
    alex = assemble(layers(Planner("narrow", (3, 67, 67)).picture(), (8, 12, 10, 8, 6), (90, 70), 5, towers=2))
    biases = [float(part.bias[0]) for part in alex if isinstance(part, nn.Conv2d | nn.Linear)]
    assert biases == [0, 1, 0, 1, 1, 1, 1, 0]
    assert float(alex[1].weight.std()) == pytest.approx(0.01, rel=0.1)


@torch.no_grad()
def test_an_initialization_draws_own_layers_by_their_fans():
    local = MODELS["convnet"].build(PICTURE, 10, model("convnet", connectivity="local", channels=(4,)))
    initialise(local, INITIALIZATIONS["lecun"], {"scheme": "lecun"}, 0)
    assert float(local[3].weight.std()) == pytest.approx(25**-0.5, rel=0.02)
    assert not local[3].bias.any()
    c3 = MODELS["lenet5"].build(PICTURE, 10, model("lenet5"))[7]
    initialise(c3, INITIALIZATIONS["he"], {"scheme": "he"}, 0)
    for weights, fans in c3.fans():
        assert float(weights.std()) == pytest.approx((2 / fans.inputs) ** 0.5, rel=0.35)


def test_a_picture_of_one_channel_needs_no_axis_for_it():
    assert size("lenet5_modern", (28, 28), 10) == size("lenet5_modern", PICTURE, 10)
    module = MODELS["convnet"].build((8, 8), 3, model("convnet"))
    assert module(torch.zeros(2, 8, 8)).shape == (2, 3)


def test_a_small_picture_is_enlarged_and_framed():
    net = assemble(Planner("frame", (1, 3, 2)).picture(7, 9, background=-1.0).plan())
    found = net(torch.arange(6.0).view(1, 6))[0, 0]
    assert found.shape == (7, 7)
    assert found[0:6:2, 1:5:2].tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    assert torch.equal(found[0:6:2, 1:5:2], found[1:6:2, 2:6:2])
    assert (found == -1).sum() == 49 - 24


REFUSED = {
    "no picture": ("convnet", (64,), {}, "takes pictures"),
    "a picture that is too large": ("lenet5_modern", (1, 33, 20), {}, "at most 32 x 32 pixels, got 33 x 20"),
    "maps too small": ("convnet", (1, 8, 8), {"channels": (4,) * 4}, r"a patch of 2 x 2 must fit .* have 1 x 1"),
    "too few kernels": (
        "convnet",
        (1, 8, 8),
        {"kernels": (3, 3, 3)},
        "kernels must be one number, or one for each of 2",
    ),
    "layers of a list": ("convnet", (1, 8, 8), {"layers": 2}, "layers is for channels that are one number"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_net_that_does_not_fit_is_refused_with_the_reason(case):
    name, shape, structure, rule = REFUSED[case]
    with pytest.raises(InputError, match=rule):
        size(name, shape, 10, **structure)


def test_codes_are_for_ten_classes():
    with pytest.raises(InputError, match="codes for 10 classes, digits, but the task has 3"):
        size("lenet5", PICTURE, 3)


def test_one_number_of_channels_grows_layer_by_layer():
    grown = size("convnet", PICTURE, 10, channels=6, layers=3, growth=1.5)
    assert grown == size("convnet", PICTURE, 10, channels=(6, 9, 14))


def test_connectivity_changes_parameters_and_no_unit():
    each = {
        way: size("convnet", (1, 8, 8), 10, connectivity=way, padding="valid", kernels=(3,), pooling="none")
        for way in WAYS
    }
    assert each["shared"].connections == each["local"].connections
    assert each["shared"].layers[2:] == each["local"].layers[2:] == each["full"].layers[2:]
    assert each["local"].layers[:2] == (8 * 36 * 10, 16 * 16 * 73)
    assert each["full"].layers[:2] == (8 * 36 * 65, 16 * 16 * (8 * 36 + 1))


WAYS = ("shared", "local", "full")
