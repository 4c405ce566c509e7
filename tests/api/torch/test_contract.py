"""What works with `torch.optim.Optimizer` works with these, and what cannot be used is refused."""

import pytest


def line(torch, optimizer, p):
    """Make a closure: a loss with its gradient."""

    def closure():
        optimizer.zero_grad()
        loss = (p @ p).sum()
        loss.backward()
        return loss

    return closure


def test_schedulers_closures_hooks_and_groups(torch, ours, models):
    finals = []
    for optim in (ours, torch.optim):
        p, q = (torch.nn.Parameter(torch.linspace(1, 2, 5)) for _ in range(2))
        optimizer = optim.AdamW([("p", p)], lr=0.1)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
        optimizer.add_param_group({"params": [("q", q)], "lr": torch.tensor(0.2), "eps": 1e-3})
        seen = []
        optimizer.register_step_pre_hook(lambda *_, seen=seen: seen.append("pre"))
        optimizer.register_step_post_hook(lambda *_, seen=seen: seen.append("post"))
        for step in range(6):
            q.grad = None if step == 2 else torch.full((5,), 1.0 + step)
            assert optimizer.step(lambda p=p: line(torch, torch.optim.SGD([p]), p)()) > 0
            scheduler.step()
        assert seen == ["pre", "post"] * 6
        finals.append([p, q])
    assert models.difference(*finals) <= 1e-14


def test_gradients_and_parameters_may_move(torch, ours, models):
    finals = []
    for optim in (ours, torch.optim):
        p = torch.nn.Parameter(torch.arange(12.0).reshape(3, 4))
        optimizer = optim.Adam([p], lr=0.1)
        for step in range(6):
            p.grad = (torch.ones(3, 1) * step).expand(3, 4)  # which has no memory of its own
            optimizer.step()
            if step == 2:
                p.data = p.data.clone()
            if step == 3:
                p.grad = (torch.ones(4, 3) * step).t()
                optimizer.step()
        finals.append([p])
    assert models.difference(*finals) <= 1e-14


def test_a_backward_pass_through_what_was_overwritten_is_an_error(torch, ours):
    p = torch.nn.Parameter(torch.ones(3))
    loss = (p**2).sum()
    p.grad = torch.ones(3)
    ours.Adam([p]).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize(
    ("name", "options", "problem"),
    [
        ("Adam", {"lr": -1.0}, "lr must be finite and >= 0, got -1.0"),
        ("Adam", {"lr": float("nan")}, "lr must be finite and >= 0, got nan"),
        ("Adam", {"lr": "fast"}, "lr must be a real number, got 'fast'"),
        ("Adam", {"betas": (0.9, 1.0)}, r"betas\[1\] must be in \[0, 1\), got 1.0"),
        ("AdamW", {"fused": True}, "fused must be None or False, got True"),
        ("NAdam", {"decoupled_weight_decay": True}, "decoupled_weight_decay must be False"),
        ("RMSprop", {"momentum": 0.9}, "momentum must be 0 in fastadam.torch.RMSprop, got 0.9"),
        ("RMSprop", {"centered": True}, "centered must be False"),
        ("SGD", {"nesterov": True}, "nesterov=True needs momentum"),
    ],
)
def test_bad_arguments(torch, ours, name, options, problem):
    p = torch.nn.Parameter(torch.ones(2))
    with pytest.raises((TypeError, ValueError), match=problem):
        getattr(ours, name)([p], **options)
    optimizer = getattr(ours, name)([p])
    with pytest.raises((TypeError, ValueError), match=problem):
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], **options})
    assert len(optimizer.param_groups) == 1


def test_bad_tensors(torch, ours):
    def parameter(tensor):
        return torch.nn.Parameter(tensor)

    for tensor, problem in (
        (torch.ones(2, dtype=torch.bfloat16), "must be float32 or float64, got torch.bfloat16"),
        (torch.ones(2, dtype=torch.complex64), "must be float32 or float64, got torch.complex64"),
        (torch.ones(6)[::2], r"without gaps or overlaps, got shape \(3,\) with strides \(2,\)"),
        (torch.ones(2, device="meta"), "or on an NVIDIA GPU, got a tensor on meta"),
    ):
        with pytest.raises((TypeError, ValueError), match=problem):
            ours.Adam([parameter(tensor)])


def test_a_step_that_is_refused_changes_nothing(torch, ours):
    good, bad = (torch.nn.Parameter(torch.ones(4)) for _ in range(2))
    optimizer = ours.Adam([good, bad])
    good.grad, bad.grad = torch.ones(4), torch.ones(4).to_sparse()
    with pytest.raises(TypeError, match=r"\['params'\]\[1\].grad must be dense"):
        optimizer.step()
    bad.grad = torch.ones(4)
    bad.data = good.data[1:].detach()
    bad.grad = torch.ones(3)
    optimizer.state.clear()
    with pytest.raises(ValueError, match=r"params'\]\[0\] and .*params'\]\[1\] share memory"):
        optimizer.step()
    optimizer.param_groups[0]["lr"] = -1
    with pytest.raises(ValueError, match="lr must be finite and >= 0, got -1"):
        optimizer.step()
    assert torch.equal(good, torch.ones(4))
    assert optimizer.state[good]["step"] == 0


def test_dir_shows_the_public_names(ours):
    assert dir(ours) == sorted(ours.__all__)
