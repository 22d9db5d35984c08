"""Dropout that is called as a function: the same numbers as torch's where nothing is dropped, and masks where it is."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from slalom_worker.net.drawing import Drawing, Drawn


def some(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


CAUSAL = torch.ones(5, 5, dtype=torch.bool).tril()
OPTIONS = [{}, {"is_causal": True}, {"attn_mask": CAUSAL}, {"attn_mask": some(5, 5)}, {"scale": 0.3}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_attention_that_drops_nothing_is_torch_s(options):
    query, key, value = some(3, 4, 2, 5, 6)
    wanted = functional.scaled_dot_product_attention(query, key, value, **options)
    with Drawing(batch=4) as drawing:
        found = functional.scaled_dot_product_attention(query, key, value, dropout_p=0.5, **options)
    assert torch.allclose(found, wanted, rtol=1e-12)
    assert drawing.calls == [Drawn(0.5, (2, 5, 5))]


@pytest.mark.parametrize("need_weights", [True, False])
def test_a_mask_is_what_attention_is_multiplied_by(need_weights):
    layer = nn.MultiheadAttention(6, 2, dropout=0.5, batch_first=True).double()
    inputs = some(4, 5, 6)
    dropless = nn.MultiheadAttention(6, 2, batch_first=True).double()
    dropless.load_state_dict(layer.state_dict())
    state = torch.get_rng_state()
    with Drawing([torch.full((4, 2, 5, 5), 2.0, dtype=torch.float64)]):
        found, _ = layer(inputs, inputs, inputs, need_weights=need_weights)
    wanted, _ = dropless(inputs, inputs, inputs)
    bias = layer.out_proj.bias
    assert torch.allclose(found - bias, 2 * (wanted - bias), rtol=1e-10)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_function_multiplies_by_its_own_mask_and_none_in_evaluation():
    inputs, masks = torch.ones(4, 3), [torch.full((4, 3), 2.0), torch.full((4, 3), 3.0)]
    with Drawing(masks):
        found = [functional.dropout(inputs), functional.dropout(inputs, 0.1, False), torch.dropout(inputs, 0.2, True)]
    assert [float(one[0, 0]) for one in found] == [2.0, 1.0, 3.0]


def test_what_does_not_begin_with_examples_is_left_to_torch():
    torch.manual_seed(0)
    with Drawing(batch=4) as drawing:
        assert (functional.dropout(torch.ones(3, 400)) == 0).any()
    assert drawing.calls == []
