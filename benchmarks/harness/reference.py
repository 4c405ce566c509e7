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
        self.x, self.z, self.lr_max, self.weight_sum = self.p, self.p, 0.0, 0.0

    def step(self, g: np.ndarray) -> None:
        """Update the parameters."""
        self.t += 1
        g = g.astype(np.float64)
        if self.hyper.get("maximize", False):
            g = -g
        decay = self.hyper.get("weight_decay", 0.0)
        if self.name == "ScheduleFreeAdamW":
            self.p = self._schedule_free(g)
            return
        if self.name in ("AdamW", "Lion", "AdEMAMix") or self.hyper.get("decouple", False):
            if self.name != "ADOPT" or self.t > 1:
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
        self.u = alpha * self.u + (1 - alpha) * g
        variance = self.v - self.u**2 if self.hyper.get("centered", False) else self.v
        g = g / (np.sqrt(np.maximum(variance, 0)) + self.hyper["eps"])
        self.b = self.hyper.get("momentum", 0.0) * self.b + g
        return self.b

    def _sgd(self, g: np.ndarray) -> np.ndarray:
        momentum = self.hyper.get("momentum", 0.0)
        if not momentum:
            return g
        dampening = self.hyper.get("dampening", 0.0)
        self.b = g.copy() if self.t == 1 else momentum * self.b + (1 - dampening) * g
        return g + momentum * self.b if self.hyper.get("nesterov", False) else self.b

    def _lion(self, g: np.ndarray) -> np.ndarray:
        beta1, beta2 = self.hyper["betas"]
        sign = np.sign(beta1 * self.m + (1 - beta1) * g)
        self.m = beta2 * self.m + (1 - beta2) * g
        return sign

    def _adopt(self, g: np.ndarray) -> np.ndarray:
        beta1, beta2 = self.hyper["betas"]
        if self.t == 1:
            self.v = g**2
            return np.zeros_like(g)
        bound = (self.t - 1) ** 0.25
        normed = np.clip(g / np.maximum(np.sqrt(self.v), self.hyper["eps"]), -bound, bound)
        self.m = beta1 * self.m + (1 - beta1) * normed
        self.v = beta2 * self.v + (1 - beta2) * g**2
        return self.m

    def _ademamix(self, g: np.ndarray) -> np.ndarray:
        beta1, beta2, beta3 = self.hyper["betas"]
        warmup = self.hyper["warmup_steps"]
        part = min(self.t / warmup, 1.0) if warmup else 1.0
        if part < 1.0:  # the half-life of beta is log(1/2) / log(beta)
            life = (1 - part) * np.log(0.5) / np.log(beta1) + part * np.log(0.5) / np.log(beta3)
            beta3 = 0.5 ** (1 / life)
        self.m = beta1 * self.m + (1 - beta1) * g
        self.v = beta2 * self.v + (1 - beta2) * g**2
        self.u = beta3 * self.u + (1 - beta3) * g
        m_hat = self.m / (1 - beta1**self.t) + part * self.hyper["alpha"] * self.u
        return m_hat / (np.sqrt(self.v / (1 - beta2**self.t)) + self.hyper["eps"])

    def _schedule_free(self, g: np.ndarray) -> np.ndarray:
        beta1, beta2 = self.hyper["betas"]
        lr = self.hyper["lr"]
        if self.t < self.hyper["warmup_steps"]:
            lr = lr * self.t / self.hyper["warmup_steps"]
        self.v = beta2 * self.v + (1 - beta2) * g**2
        step = g / (np.sqrt(self.v / (1 - beta2**self.t)) + self.hyper["eps"])
        self.z = self.z - lr * (step + self.hyper["weight_decay"] * self.p)
        self.lr_max = max(self.lr_max, lr)
        weight = self.t ** self.hyper["r"] * self.lr_max ** self.hyper["weight_lr_power"]
        self.weight_sum += weight
        share = weight / self.weight_sum
        self.x = (1 - share) * self.x + share * self.z
        return (1 - beta1) * self.z + beta1 * self.x
