"""Float16 between operators, and batch norms as multiplications and additions."""

import pytest

torch = pytest.importorskip("torch", reason="needs torch: make test EXTRAS=dev,convert")

from torch import nn  # noqa: E402

from weights.kinds.half_precision import rounded_answer, with_plain_norms  # noqa: E402


class Sums(nn.Module):
    """Adds a number that float16 has, then takes away the first one again."""

    def __init__(self):
        super().__init__()
        self.register_buffer("third", torch.tensor(1 / 3))

    def forward(self, x):
        return (x + 2048.0) - 2048.0, x * self.third


def test_every_number_between_operators_is_a_float16():
    sums, products = rounded_answer(Sums(), torch.tensor([0.6, 3.0]))
    assert sums.tolist() == [0.0, 4.0]  # float16 knows every second integer above 2048
    assert products.dtype == torch.float32
    third = torch.tensor(1 / 3).half().float()
    assert products[1] == (3 * third).half().float()


def test_the_network_itself_is_left_alone():
    network = Sums()
    rounded_answer(network, torch.ones(1))
    assert network.third == torch.tensor(1 / 3)


@pytest.mark.parametrize(
    ("norm", "shape"), [(nn.BatchNorm2d(5), (2, 5, 3, 4)), (nn.BatchNorm1d(5), (2, 5, 7))]
)
def test_batch_norms_become_multiplications_and_additions(norm, shape):
    torch.manual_seed(0)
    with torch.no_grad():
        for numbers in (norm.weight, norm.bias, norm.running_mean):
            numbers.normal_()
        norm.running_var.uniform_(1e-9, 2)  # the smallest is none in float16
    network = nn.Sequential(nn.ReLU(), norm)
    plain = with_plain_norms(network)
    x = torch.randn(shape)
    with torch.no_grad():
        torch.testing.assert_close(plain(x), network.eval()(x))
    assert network[1] is norm
    assert not any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in plain.modules())
