"""The rules in plain NumPy, straight from the equations of the papers, one step at a time."""

from __future__ import annotations

from typing import Any

import numpy as np


class Reference:
    """The state of one parameter array under one rule; nothing is shared with fastadam."""

    def __init__(self, name: str, p: np.ndarray, **hyper: Any) -> None:
        self.name, self.p, self.hyper, self.t = name, p.astype(np.float64), hyper, 0
        self.m, self.v, self.v_max, self.u, self.b = (np.zeros_like(self.p) for _ in range(5))
        self.mu_product = 1.0

    def step(self, g: np.ndarray) -> None:
        """Update the parameters."""
        self.t += 1
        g = g.astype(np.float64)
        if self.hyper.get("maximize", False):
            g = -g
        decay = self.hyper.get("weight_decay", 0.0)
        if self.name == "AdamW":
            self.p = self.p * (1 - self.hyper["lr"] * decay)
        elif decay:
            g = g + decay * self.p
        self.p = self.p - self.hyper["lr"] * getattr(self, f"_{self.name.lower()}")(g)

    def _moments(self, g: np.ndarray) -> tuple[float, float]:
        beta1, beta2 = self.hyper["betas"]
        self.m = beta1 * self.m + (1 - beta1) * g
        self.v = beta2 * self.v + (1 - beta2) * g**2
        return beta1, beta2

    def _adam(self, g: np.ndarray) -> np.ndarray:
        beta1, beta2 = self._moments(g)
        self.v_max = np.maximum(self.v_max, self.v)
        v = self.v_max if self.hyper.get("amsgrad", False) else self.v
        m_hat = self.m / (1 - beta1**self.t)
        v_hat = v / (1 - beta2**self.t)
        return m_hat / (np.sqrt(v_hat) + self.hyper["eps"])

    _adamw = _adam

    def _nadam(self, g: np.ndarray) -> np.ndarray:
        beta1, beta2 = self._moments(g)
        psi = self.hyper["momentum_decay"]
        mu = beta1 * (1 - 0.5 * 0.96 ** (self.t * psi))
        mu_next = beta1 * (1 - 0.5 * 0.96 ** ((self.t + 1) * psi))
        self.mu_product *= mu
        m_hat = mu_next * self.m / (1 - self.mu_product * mu_next)
        m_hat = m_hat + (1 - mu) * g / (1 - self.mu_product)
        return m_hat / (np.sqrt(self.v / (1 - beta2**self.t)) + self.hyper["eps"])

    def _radam(self, g: np.ndarray) -> np.ndarray:
        beta1, beta2 = self._moments(g)
        m_hat = self.m / (1 - beta1**self.t)
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 * self.t * beta2**self.t / (1 - beta2**self.t)
        if rho <= 5:
            return m_hat
        r = np.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
        return m_hat * r * np.sqrt(1 - beta2**self.t) / (np.sqrt(self.v) + self.hyper["eps"])

    def _adamax(self, g: np.ndarray) -> np.ndarray:
        beta1, beta2 = self.hyper["betas"]
        self.m = beta1 * self.m + (1 - beta1) * g
        self.u = np.maximum(beta2 * self.u, np.abs(g) + self.hyper["eps"])
        return self.m / (1 - beta1**self.t) / self.u

    def _rmsprop(self, g: np.ndarray) -> np.ndarray:
        alpha = self.hyper["alpha"]
        self.v = alpha * self.v + (1 - alpha) * g**2
        return g / (np.sqrt(self.v) + self.hyper["eps"])

    def _sgd(self, g: np.ndarray) -> np.ndarray:
        momentum = self.hyper.get("momentum", 0.0)
        if not momentum:
            return g
        dampening = self.hyper.get("dampening", 0.0)
        self.b = g.copy() if self.t == 1 else momentum * self.b + (1 - dampening) * g
        return g + momentum * self.b if self.hyper.get("nesterov", False) else self.b
