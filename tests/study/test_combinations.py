"""What makes no sense together is refused at `check`, by the catalogue's own tables: reason, line and value."""

import pytest

import slalom
from slalom.errors import StudyError

SEARCH = "its line search compares losses, which must be of the same examples and the same net"
STUDY = """\
name: nonsense
question: Is it refused?
task: {task}
training: {{epochs: 3, batch_size: all, optimizer: sgd}}
metric: {{name: loss}}
search: {{learning_rate: {{log: [1e-3, 1]}}}}
arms:
  plain: {plain}
  odd:
    {odd}
tune: {{trials: 8}}
confirm: {{seeds: 6}}
compare: {{baseline: plain}}
"""
REFUSED = {
    "a batch": ("batch_size: 32", f"polak_ribiere needs batch_size: all, got 32: {SEARCH}"),
    "a searched batch": (
        "batch_size: {choice: [32, 1000]}",
        f"polak_ribiere needs batch_size: all, got a search: {SEARCH}",
    ),
    "dropout": ("hidden_dropout: 0.5", f"polak_ribiere goes with no hidden_dropout, got 0.5: {SEARCH}"),
    "input dropout": ("input_dropout: 0.2", f"polak_ribiere goes with no input_dropout, got 0.2: {SEARCH}"),
    "emphasis": ("emphasis: misclassified", f"polak_ribiere goes with no emphasis, got misclassified: {SEARCH}"),
    "augmentation": (
        "augmentation: {method: shift, pixels: 1}",
        f"polak_ribiere goes with no augmentation, got shift: {SEARCH}",
    ),
    "a schedule": (
        "learning_rate_schedule: cosine",
        "polak_ribiere searches its steps itself and follows no learning_rate_schedule, got cosine",
    ),
    "layer rates": (
        "layer_rates: {log: [0.1, 10]}",
        "polak_ribiere steps along one line and has no layer_rates, got a search",
    ),
}


def check(tmp_path, odd, task="digits", plain="{}"):
    """Read the file as `slalom check` does."""
    file = tmp_path / "nonsense.yaml"
    file.write_text(STUDY.format(task=task, plain=plain, odd=odd))
    return slalom.load(file)


@pytest.mark.parametrize("optimizer", ["polak_ribiere", "fletcher_reeves"])
@pytest.mark.parametrize("case", REFUSED)
def test_conjugate_gradient_is_refused_with_the_reason(case, optimizer, tmp_path):
    setting, message = REFUSED[case]
    with pytest.raises(StudyError) as caught:
        check(tmp_path, f"optimizer: {optimizer}\n    {setting}")
    assert str(caught.value).endswith(f"nonsense.yaml:9:3: arm odd: {message.replace('polak_ribiere', optimizer)}")


def test_conjugate_gradient_by_itself_is_not_refused(tmp_path):
    settings = check(tmp_path, "optimizer: polak_ribiere\n    weight_decay: 1e-3").arm("odd").settings
    assert (settings["optimizer"], settings["batch_size"]) == ("polak_ribiere", None)


def test_a_layer_s_own_rates_are_refused_too(tmp_path):
    with pytest.raises(StudyError, match=r":9:3: arm odd: polak_ribiere steps .* has no layer_rates, got .*2\.0"):
        check(tmp_path, "optimizer: polak_ribiere\n    layer_rates: [2.0, 1.0]")


@pytest.mark.parametrize(
    "odd",
    [
        "order: once\n    emphasis: misclassified",
        "order: {choice: [each_epoch, once]}\n    emphasis: {scheme: misclassified, by: sampling}",
        "order: once\n    emphasis: {scheme: misclassified, by: {choice: [sampling, weighting]}}",
    ],
)
def test_a_replayed_order_is_refused_where_examples_are_drawn_anew(odd, tmp_path):
    with pytest.raises(StudyError) as caught:
        check(tmp_path, odd, plain="{momentum: 0.5}")
    assert "nonsense.yaml:9:3: arm odd: order once replays one shuffled order of all examples, and " in str(
        caught.value
    )
    assert "emphasis misclassified by sampling draws other ones in each epoch" in str(caught.value)


@pytest.mark.parametrize(
    "odd", ["emphasis: {scheme: misclassified, by: weighting}", "ensemble: {members: 2, bagging: true}"]
)
def test_a_replayed_order_goes_with_what_leaves_the_order_alone(odd, tmp_path):
    assert check(tmp_path, f"order: once\n    {odd}").arm("odd").settings["order"] == "once"


@pytest.mark.parametrize("batch", ["20000", "{int: [10, 20000]}", "{choice: [10, 20000]}"])
def test_a_last_batch_that_is_the_only_one_cannot_be_dropped(batch, tmp_path):
    with pytest.raises(StudyError) as caught:
        check(tmp_path, f"drop_last: true\n    batch_size: {batch}")
    message = "arm odd: drop_last leaves no batch: batch_size must be at most the "
    assert f"nonsense.yaml:9:3: {message}" in str(caught.value)
    assert str(caught.value).endswith(" training examples, got 20000")


@pytest.mark.parametrize("scheme", ["focal", "misclassified", "class_balanced"])
def test_emphasis_is_refused_where_numbers_are_predicted(scheme, tmp_path):
    with pytest.raises(StudyError) as caught:
        check(tmp_path, f"loss: squared_error\n    emphasis: {scheme}", "ill_conditioned", "{loss: squared_error}")
    message = f"arm odd: emphasis {scheme} is one of classes, and the task predicts numbers"
    assert str(caught.value).endswith(f"nonsense.yaml:9:3: {message}")
