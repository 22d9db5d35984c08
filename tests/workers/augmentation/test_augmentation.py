"""Augmented pictures: those of an independent reference, one by one, and in packs the same bits whatever is beside."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images

from slalom_worker.augmentation import AUGMENTATION, Draws, Given
from slalom_worker.augmentation.draws import mix
from slalom_worker.program.ways import Way
from slalom_worker.training.augmenting import Augmenter, used_before
from slalom_worker.training.slot import Slot
from tests.support.tiers import few
from tests.workers.augmentation.picture_trials import (
    ALONE,
    COLORED,
    EVALUATIONS,
    GREY,
    LISTS,
    AugmentedReference,
    listed,
    objective,
    work,
)
from tests.workers.augmentation.plain import AUGMENTATION as PLAIN
from tests.workers.augmentation.plain import Numbers, augmented
from tests.workers.checks import check_equivalence, check_invariance, results, same, train
from tests.workers.trials import order, settings, trial

WIDTHS = (1, 2, 7, 16)
EVERY = [*ALONE, *LISTS]
EPOCHS = 3


def test_every_augmentation_has_a_reference_for_all_that_can_be_set():
    missing = AUGMENTATION.keys() - PLAIN.keys()
    assert not missing, f"{sorted(missing)}: no reference; add a line to tests/workers/augmentation/plain.py"
    for name, method in AUGMENTATION.items():
        unset = set(method.parameters) - {key for chosen in PLAIN[name].settings for key in chosen}
        assert not unset, f"{name}: no reference sets {sorted(unset)}"


def fits(parts, pictures, evaluation):
    """Whether a study may have these augmentations of these pictures."""
    names = [part["method"] for part in parts]
    return pictures is COLORED or "color_jitter" not in names


CASES = [
    (parts, pictures, evaluation)
    for parts, pictures, evaluation in product(EVERY, (COLORED, GREY), EVALUATIONS[:2])
    if fits(parts, pictures, evaluation)
]


def seen(program, slots, orders, size=10):
    """What the nets of slots see of their first step."""
    augmenter = Augmenter(slots, program)
    inputs = torch.stack([slot.split.train.take(one[None])[0] for slot, one in zip(slots, orders, strict=True)])
    return augmenter.begin_epoch(orders, size)(0, inputs[:, :size])


@pytest.mark.parametrize(("parts", "pictures", "evaluation"), CASES)
def test_pictures_are_those_of_the_reference(parts, pictures, evaluation):
    """At the start and in a later epoch, with examples that come several times."""
    of = work(evaluation)
    program = objective(of, pictures)
    slots = [Slot.start(order(trial(n, of, settings(augmentation=listed(*parts)))), program) for n in range(2)]
    slots[1].epoch = 5
    for slot in slots:
        slot.presentation = slot.presentation._replace(cumulated=torch.ones(1))
    examples = [[4, 9, 4, 0, 22, 4, 9], [1, 1, 1, 3, 2, 0, 5]]
    uses = [[0, 0, 1, 0, 0, 2, 1], [0, 1, 2, 0, 0, 0, 0]]
    found = seen(program, slots, torch.tensor(examples))
    plain = pictures.train.inputs.reshape(-1, *program.view.shape)
    for row, slot in enumerate(slots):
        seed = slot.trial.seeds.batches
        for place, (example, use) in enumerate(zip(examples[row], uses[row], strict=True)):
            want = augmented(
                plain[example].astype(float), parts, seed, slot.epoch, example, use, plain, program.view.seen[1:]
            )
            np.testing.assert_allclose(found[row, place].numpy().reshape(want.shape), want, atol=1e-12)


def test_color_jitter_is_learned_on_the_colours_of_photographs():
    """Patches of two photographs that scikit-learn brings; the first of three components has nearly all variance."""
    photographs = [picture[:420:30, :630:30].astype(np.float32) / 255 for picture in load_sample_images().images]
    pictures = np.stack(photographs).transpose(0, 3, 1, 2)
    colors = pictures.transpose(1, 0, 2, 3).reshape(3, -1).astype(np.float64)
    covariance = np.cov(colors, bias=True)
    learned = AUGMENTATION["color_jitter"].learn([pictures])
    values = np.linalg.norm(learned, axis=0)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(covariance), rtol=1e-9)
    np.testing.assert_allclose(covariance @ learned, learned * values, atol=1e-12)  # eigenvectors, of which each ...
    assert values[-1] > 0.8 * values.sum()
    given = Given(Draws(*keyed(4096)), {"sigma": torch.tensor([[0.1]]).double()}, torch.tensor(learned)[None], (14, 21))
    jittered = AUGMENTATION["color_jitter"].change(torch.zeros(1, 4096, 3, 14, 21), given)
    assert torch.equal(jittered, jittered[..., :1, :1].expand_as(jittered))  # one draw for a picture
    along = jittered[0, :, :, 0, 0].double().numpy() @ (learned / values)
    np.testing.assert_allclose(along.std(axis=0), 0.1 * values, rtol=0.05)  # ... has a part of .1 times its eigenvalue


def keyed(count, key=5):
    return torch.tensor([[key]]), torch.arange(count)[None], None


def test_color_jitter_knows_the_training_part_alone():
    of = work()
    chosen = settings(augmentation={"method": "color_jitter", "sigma": 0.1})
    jitter = AUGMENTATION["color_jitter"]
    program = objective(of)
    own, drawn = (Slot.start(order(trial(0, of, chosen, split=split)), program).split for split in (None, 7))
    for split in (own, drawn):
        part = split.train.inputs.numpy()
        np.testing.assert_allclose(split.learned(jitter).numpy(), jitter.learn([part]), atol=1e-12)
    assert not torch.equal(own.learned(jitter), drawn.learned(jitter))


def test_numbers_are_hashes_that_look_drawn():
    draws = Draws(mix(torch.tensor([[3], [4]])), torch.arange(20_000).expand(2, -1), None)
    even, normal = draws.uniform(3), draws.normal(2)
    assert (even >= 0).all()
    assert (even < 1).all()
    assert abs(even.mean() - 0.5) < 0.003
    assert abs(even.var() - 1 / 12) < 0.001
    assert abs(normal.mean()) < 0.01
    assert abs(normal.var() - 1) < 0.02
    rows = torch.cat([even, normal], dim=2).permute(0, 2, 1).reshape(10, -1)
    apart = torch.corrcoef(rows) - torch.eye(10)
    assert apart.abs().max() < 0.03  # slots, examples and numbers of one use are independent
    shifted = torch.corrcoef(torch.stack([even[0, :-1, 0], even[0, 1:, 0]]))[0, 1]
    assert abs(shifted) < 0.03


def test_numbers_are_the_reference_s():
    of = work()
    slot = Slot.start(order(trial(3, of, settings(augmentation={"method": "mirror", "share": 0.5}))), objective(of))
    augmenter = Augmenter([slot], objective(of))
    augmenter.begin_epoch(torch.arange(23)[None], 10)
    (group,) = augmenter.groups
    draws = Draws(group.keys[0], torch.tensor([[4, 22]]), torch.tensor([[0, 3]]))
    found = torch.cat([draws.uniform(2), draws.uniform(1)], dim=2)
    for place, (example, use) in enumerate([(4, 0), (22, 3)]):
        numbers = Numbers(slot.trial.seeds.batches, ("mirror", 0), 0, example, use)
        assert found[0, place].tolist() == [*numbers.uniform(2), *numbers.uniform(1)]


def test_uses_are_counted_within_an_order():
    orders = torch.tensor([[3, 1, 3, 3, 0, 1], [0, 1, 2, 3, 4, 5]])
    assert used_before(orders).tolist() == [[0, 0, 1, 2, 0, 1], [0, 0, 0, 0, 0, 0]]


BY_SAMPLING = {"scheme": "class_balanced", "strength": 1.0, "by": "sampling"}
BY_MISSES = {"scheme": "misclassified", "strength": 1.0, "cap": 10.0, "warm_up": 1, "by": "sampling"}


def trials(of, every, count, **changes):
    """Trials with each of some augmentations, trained in several ways."""
    ways = [
        settings("sgd", learning_rate=0.05, **changes),
        settings("adam", learning_rate=0.01, weight_decay=1e-3, hidden_dropout=0.2, **changes),
        settings("nesterov", learning_rate=0.02, emphasis=BY_SAMPLING, **changes),
    ]
    chosen = [ways[n % len(ways)] | {"augmentation": listed(*every[n % len(every)])} for n in range(count)]
    return [trial(n, of, one, epochs=EPOCHS) for n, one in enumerate(chosen)]


@pytest.mark.parametrize("width", few(WIDTHS))
@pytest.mark.parametrize("evaluation", EVALUATIONS[:2], ids=str)
def test_a_pack_trains_on_augmented_pictures_as_torch_does(evaluation, width):
    of = work(evaluation)
    program = objective(of)
    specs = trials(of, EVERY, len(EVERY))
    specs = [specs[n] for n in range(WIDTHS.index(width), len(specs), 2)]
    wanted = {
        spec.id.number: AugmentedReference(spec, program, EVERY[spec.id.number % len(EVERY)]).train() for spec in specs
    }
    check_equivalence(program, specs, wanted, width)


@pytest.mark.parametrize("precision", few(["float32", "float64"]))
@pytest.mark.parametrize("evaluation", few(EVALUATIONS), ids=str)
def test_no_augmentation_makes_a_trial_depend_on_its_pack(evaluation, precision):
    """Parked and seated anew, too, as a trial is that is killed between two epochs."""
    of = work(evaluation, precision)
    check_invariance(objective(of), trials(of, EVERY, 16), WIDTHS)


def test_no_augmentation_makes_a_stacked_net_depend_on_its_pack():
    net = {"name": "mlp", "hidden": (5,), "activation": "tanh", "bias": True}
    program = objective(replace(work(EVALUATIONS[2], "float32"), model=net))
    assert program.way is Way.STACKED
    check_invariance(program, trials(program.work, EVERY, 16), WIDTHS)


def test_an_arm_sees_the_pictures_of_the_others():
    """Whatever optimizer, net, batch size, emphasis and neighbours: the use of an example has one picture."""
    parts = LISTS[0]
    augmentation = listed(*parts)
    arms = {
        "sgd": (work(), settings(augmentation=augmentation)),
        "adam": (work(batch_size=23), settings("adam", augmentation=augmentation, hidden_dropout=0.3)),
        "another net": (work(channels=(2,), full=(3,)), settings(augmentation=augmentation)),
        "emphasis": (work(), settings(augmentation=augmentation, emphasis=BY_SAMPLING)),
        "bagged": (
            work(),
            settings(augmentation=augmentation, ensemble={"combine": "none", "members": 2, "bagging": True}),
        ),
    }
    found = {}
    for name, (of, chosen) in arms.items():
        program = objective(of)
        slot, other = (Slot.start(order(trial(n, of, chosen)), program) for n in (0, 1))
        orders = torch.tensor([[3, 7, 11, 19, 0, 22], [1, 2, 3, 4, 5, 6]])
        found[name] = seen(program, [other, slot], orders.flip(0), size=23)[1]
    for name, pictures in found.items():
        assert torch.equal(pictures, found["sgd"]), name


def test_an_augmentation_more_changes_none_of_the_others():
    """An arm's mirrors are those of an arm that has other augmentations beside."""
    of = work()
    program = objective(of)
    alone, beside = (
        Slot.start(order(trial(0, of, settings(augmentation=listed(*parts)))), program)
        for parts in ([ALONE[5][0]], [ALONE[1][0] | {"pixels": 0}, ALONE[5][0]])
    )
    assert ALONE[5][0]["method"] == "mirror"
    orders = torch.arange(23)[None]
    assert torch.equal(seen(program, [alone], orders, 23), seen(program, [beside], orders, 23))


def test_what_is_measured_is_not_augmented():
    """Of one and the same net, and by an emphasis that reads the net."""
    of = work()
    program = objective(of)
    plain = trial(0, of, settings(learning_rate=1e-12))
    changed = trial(0, of, settings(learning_rate=1e-12, augmentation=listed(*LISTS[0])))
    one, other = (results(program, train(program, [spec]))[0] for spec in (plain, changed))
    for name in one:
        if name.startswith(("validation", "train")):
            torch.testing.assert_close(one[name], other[name], rtol=1e-9, atol=1e-9)
    assert not same(one["loss"], other["loss"])
    spec = trial(1, of, settings(learning_rate=0.05, emphasis=BY_MISSES, augmentation=listed(*LISTS[1])))
    check_equivalence(program, [spec], {1: AugmentedReference(spec, program, LISTS[1]).train()}, 2)
