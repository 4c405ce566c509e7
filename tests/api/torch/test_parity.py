"""The results are PyTorch's, and so are the states: either continues what the other began."""

import copy
import io
import pickle

import pytest

CASES = [
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1}),
    ("Adam", {"decoupled_weight_decay": True, "weight_decay": 0.1, "maximize": True}),
    ("AdamW", {"betas": (0.8, 0.95), "eps": 1e-6}),
    ("NAdam", {"weight_decay": 0.1}),
    ("RAdam", {"weight_decay": 0.1}),
    ("Adamax", {}),
    ("RMSprop", {"alpha": 0.9}),
    ("SGD", {"weight_decay": 0.1}),
    ("SGD", {"momentum": 0.9, "dampening": 0.1}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "maximize": True}),
]
TOLERANCE = {"float64": 1e-14, "float32": 2e-6}


@pytest.mark.parametrize(
    ("name", "options", "dtype"),
    [
        *[(name, options, "float64") for name, options in CASES],
        ("Adam", {}, "float32"),
        ("SGD", {"momentum": 0.9, "dampening": 0.1}, "float32"),
    ],
)
def test_either_continues_what_the_other_began(torch, ours, models, name, options, dtype):
    a, b = models.make(dtype), models.make(dtype)
    fast = getattr(ours, name)(a, lr=1e-2, **options)
    plain = getattr(torch.optim, name)(b, lr=1e-2, **options)
    models.train(fast, a)
    models.train(plain, b)
    assert models.difference(a, b) <= TOLERANCE[dtype]

    fasts, plains = (copy.deepcopy(each.state_dict()) for each in (fast, plain))
    assert fasts["param_groups"][0].keys() == plains["param_groups"][0].keys()
    assert fasts["state"].keys() == plains["state"].keys()
    for i, state in plains["state"].items():
        assert fasts["state"][i].keys() == state.keys()
        for key, value in state.items():
            near = torch.allclose(fasts["state"][i][key].double(), value.double(), 1e-5, 1e-6)
            assert near, key
    fast.load_state_dict(plains)
    plain.load_state_dict(fasts)
    models.train(fast, a, seed=2)
    models.train(plain, b, seed=2)
    assert models.difference(a, b) <= 2 * TOLERANCE[dtype]


@pytest.mark.parametrize("name", ["Adam", "SGD"])
def test_copies_go_on_as_the_original(torch, ours, models, name):
    params = models.make()
    optimizer = getattr(ours, name)(params, lr=1e-2, **({"momentum": 0.9} if name == "SGD" else {}))
    models.train(optimizer, params)
    copies = copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    torch.load(file)
    models.train(optimizer, params, seed=2)
    for other in copies:
        own = other.param_groups[0]["params"]
        models.train(other, own, seed=2)
        assert models.difference(own, params) == 0


def test_the_state_is_used_where_it_is(torch, ours, models):
    a, b = models.make(), models.make()
    fast, plain = ours.Adam(a, lr=1e-2), torch.optim.Adam(b, lr=1e-2)
    for params, optimizer in ((a, fast), (b, plain)):
        models.train(optimizer, params)
        optimizer.state[params[0]]["exp_avg"].zero_()
        optimizer.state[params[1]]["step"].fill_(3)
        optimizer.state[params[3]]["exp_avg_sq"] = torch.ones(params[3].shape)
        models.train(optimizer, params, seed=2)
    assert models.difference(a, b) <= 1e-14
    assert fast.state[a[3]]["exp_avg"].stride() == a[3].stride()


@pytest.mark.parametrize("name", ["Adam", "RMSprop"])
def test_nan_stays_where_pytorchs_does(torch, ours, models, name):
    values = [float("nan"), float("inf"), 0.0, 1.0]
    pair = [torch.nn.Parameter(torch.ones(4)) for _ in range(2)]
    for p, optim in zip(pair, (ours, torch.optim), strict=True):
        optimizer = getattr(optim, name)([p], lr=1e-2)
        for _ in range(3):
            p.grad = torch.tensor(values)
            optimizer.step()
    assert torch.allclose(*pair, 1e-12, equal_nan=True)
