"""The event-driven rule by loops over events, straight from the equations, in numpy; for comparison only."""

from __future__ import annotations

import numpy as np


def eps(k, tau_m, tau_s):
    gain = tau_m / (tau_m - tau_s)
    return gain * ((1 - 1 / tau_m) ** (k + 1) - (1 - 1 / tau_s) ** (k + 1)) if k >= 0 else 0.0


def exponential(tau_g):
    return lambda k: (1 - 1 / tau_g) ** (k + 1)


def derivative(tau_m, tau_s):
    return lambda k: eps(k, tau_m, tau_s) - eps(k - 1, tau_m, tau_s)


def forward(current, tau_m, tau_s, threshold):
    """One neuron: current (T,) -> spikes, u; each by a sum over the events since the last spike."""
    steps, last = len(current), -1
    spikes, u = np.zeros(steps), np.zeros(steps)
    for t in range(steps):
        u[t] = sum(eps(t - m, tau_m, tau_s) * current[m] for m in range(last + 1, t + 1))
        if u[t] >= threshold:
            spikes[t], last = 1, t
    return spikes, u


def backward(x, w, gradient, h, tau_m, tau_s, threshold, slope_limit=0.0, den_limit=0.0):
    """x (T, in), w (out, in), dL/dt_k (T, out) -> dL/dw, dL/dt_m (T, in); eqs. 12-14 event by event."""
    for_w, for_t = np.zeros_like(w), np.zeros_like(x)
    for i in range(len(w)):
        current = x @ w[i]
        spikes, u = forward(current, tau_m, tau_s, threshold)
        last = -1
        for k in np.flatnonzero(spikes):
            slope = u[k] - (u[k - 1] if k - 1 > last else 0.0)
            events = range(last + 1, k + 1)
            den = sum(h(k - m) * current[m] for m in events)
            by_slope, by_den = 1 / slope, 1 / den
            if slope_limit:
                by_slope = -np.clip(-by_slope, -slope_limit, 0)
            if den_limit:
                by_den = -np.clip(-by_den, -den_limit, 0)
            for m in events:
                for_w[i] += gradient[k, i] * -by_slope * eps(k - m, tau_m, tau_s) * x[m]
                for_t[m] += gradient[k, i] * h(k - m) * w[i] * x[m] * by_den
            last = k
    return for_w, for_t
