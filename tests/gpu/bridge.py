"""Steps of the bridge for PyTorch on a GPU, or what stands in for one, beside those on the CPU."""

from copy import deepcopy

OPTIMISERS = {
    "Adam": {"lr": 0.1, "weight_decay": 0.01, "amsgrad": True},
    "NAdam": {"lr": 0.1},
    "SGD": {"lr": 0.1, "momentum": 0.9, "dampening": 0.1},
}

#: A matrix, one whose axes are turned, a number and nothing.
SHAPES = (30, 50), (4, 3), (), (0, 2)
TURNED = 1

#: What of the state is on the CPU.
SCALARS = "step", "mu_product"


class Bridge:
    """Optimisers with these shapes; ``to_gpu`` and ``to_host`` copy tensors."""

    def __init__(self, torch, to_gpu, to_host):
        import fastadam.torch

        self.torch, self.to_gpu, self.to_host = torch, to_gpu, to_host
        self.ours = fastadam.torch

    def make(self, name, dtype, on_gpu=()):
        """Make an optimiser; ``on_gpu`` are the places of the parameters that are there."""
        self.torch.manual_seed(0)
        params = []
        for k, shape in enumerate(SHAPES):
            p = self.torch.randn(shape, dtype=getattr(self.torch, dtype))
            p = self.to_gpu(p) if k in on_gpu else p
            params.append(self.torch.nn.Parameter(p.t() if k == TURNED else p))
        return self.of(name, params)

    def of(self, name, params):
        """Make an optimiser of parameters."""
        return getattr(self.ours, name)(params, **OPTIMISERS[name])

    def step(self, optimizers, seed, absent=()):
        """Have a step taken by each, with the same gradients, but for those that are absent."""
        for optimizer in optimizers:
            self.torch.manual_seed(seed)
            for k, p in enumerate(optimizer.param_groups[0]["params"]):
                g = self.torch.randn(p.shape, dtype=p.dtype)
                p.grad = None if k in absent else self.to_gpu(g) if p.is_cuda else g
            optimizer.step()

    def assert_same(self, one, other):
        """Require the same bits of two optimisers' parameters and states, each in its place."""
        for p, q in zip(*[each.param_groups[0]["params"] for each in (one, other)], strict=True):
            assert self.bits(p) == self.bits(q)
            assert one.state[p].keys() == other.state[q].keys() != set()
            for key, value in other.state[q].items():
                assert self.bits(value) == self.bits(one.state[p][key])
                assert value.is_cuda == (q.is_cuda and key not in SCALARS)

    def bits(self, tensor):
        """Return the bytes of a tensor."""
        return self.to_host(tensor.detach()).numpy().tobytes()

    def assert_same_steps_and_saves(self, name, dtype, on_gpu):
        """Have tensors there and on the CPU take steps, change states, and go on."""
        cpu, there = self.make(name, dtype), self.make(name, dtype, on_gpu)
        self.step([cpu, there], 0, absent=[0])  # which is then a step behind
        for seed in range(1, 5):
            self.step([cpu, there], seed, absent=[2] if seed == 3 else ())
        self.assert_same(cpu, there)
        again = self.of(name, there.param_groups[0]["params"])
        again.load_state_dict(deepcopy(cpu.state_dict()))
        cpu.load_state_dict(deepcopy(there.state_dict()))
        self.step([cpu, again], 5)
        self.assert_same(cpu, again)
