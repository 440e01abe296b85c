"""Trains the networks of one student on descriptors that are made before (descriptor.py).

Inputs are centred and whitened, so that Adam sees well-conditioned numbers, and hidden layers use
CELU with alpha = 1; both are folded into the weights afterwards. CELU(alpha) is
alpha * CELU1(x / alpha): with alpha = 0.1, which the engine has, every hidden value is a tenth.
"""

import time

import jax
import jax.numpy as jnp
import numpy as np

WHITEN = 1e-5  # of the largest variance: what is smaller is left small
FORCE, ENERGY, VIRIAL = 1.0, 0.05, 0.1  # weights of the parts of the loss
ALPHA = 0.1


class Whitening:
    """x -> (x - mean) @ matrix for the descriptors of one element."""

    def __init__(self, rows):
        self.mean = rows.mean(axis=0)
        values, vectors = np.linalg.eigh(np.cov((rows - self.mean).T))
        values = np.maximum(values, 0.0)
        scale = 1.0 / np.sqrt(values + WHITEN * values.max())
        scale[values < 1e-12 * values.max()] = 0.0
        self.matrix = vectors * scale


def initial(rng, widths):
    """Half of the hidden values begin where CELU is a straight line: the references are sums over
    pairs to a large part, and those are linear in the descriptor."""
    layers = []
    for a, b in zip(widths[:-1], widths[1:]):
        bias = np.where(np.arange(b) < b // 2, 3.0, 0.0) if b > 1 else np.zeros(b)
        layers.append((rng.normal(size=(b, a)) / np.sqrt(a), bias))
    return [(jnp.asarray(w, jnp.float32), jnp.asarray(b, jnp.float32)) for w, b in layers]


def energies(layers, x):
    for w, b in layers[:-1]:
        x = jax.nn.celu(x @ w.T + b)
    w, b = layers[-1]
    return (x @ w.T + b)[..., 0]


def predict(nets, rows, g, j, v):
    """Energy, forces and strain derivative of one frame."""

    def total(x):
        return sum(energies(net, x[at]).sum() for net, at in zip(nets, rows))

    e, d = jax.value_and_grad(total)(g)
    d = d.ravel()
    return e, -(j.reshape(j.shape[0], -1) @ d), v.reshape(6, -1) @ d


def make_loss(rows, scale):
    force, energy, virial = scale

    def one(nets, g, j, v, e0, f0, v0, weight, share):
        e, f, w = predict(nets, rows, g, j, v)
        n = g.shape[0]
        return (
            FORCE * jnp.mean(weight * (f - f0) ** 2) / force**2
            + ENERGY * share * ((e - e0) / n / energy) ** 2
            + VIRIAL * share * jnp.mean(((w - v0) / n / virial) ** 2)
        )

    return lambda nets, *arrays: jnp.mean(
        jax.vmap(one, in_axes=(None,) + (0,) * len(arrays))(nets, *arrays)
    )


def make_epoch(loss, batch, total, peak):
    gradient = jax.value_and_grad(loss)

    def step(carry, index):
        nets, m, s, mean, k, arrays = carry
        value, slope = gradient(nets, *(a[index] for a in arrays))
        rate = peak * (0.5 + 0.5 * jnp.cos(jnp.pi * k / total)) * jnp.minimum(1.0, k / 200.0)
        k = k + 1
        m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, m, slope)
        s = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b * b, s, slope)
        fix, fix2 = 1.0 - 0.9**k, 1.0 - 0.999**k
        nets = jax.tree.map(
            lambda p, a, b: p - rate * (a / fix) / (jnp.sqrt(b / fix2) + 1e-9), nets, m, s
        )
        mean = jax.tree.map(lambda a, b: 0.998 * a + 0.002 * b, mean, nets)
        return (nets, m, s, mean, k, arrays), value

    @jax.jit
    def epoch(nets, m, s, mean, k, arrays, order):
        state, values = jax.lax.scan(step, (nets, m, s, mean, k, arrays), order)
        return state[:5], values.mean()

    return epoch


def train(nets, rows, arrays, scale, epochs, seed, log, batch=8, peak=4e-3):
    """Adam with a cosine schedule; returns the running mean of the weights. arrays: G, J, V,
    energy, forces, virial, weights of forces and of the others, a row for each frame."""
    rng = np.random.default_rng(seed)
    count = len(arrays[0])
    steps = count // batch
    loss = make_loss(rows, scale)
    epoch = make_epoch(loss, batch, float(steps * epochs), peak)
    arrays = tuple(jnp.asarray(a, jnp.float32) for a in arrays)
    zeros = jax.tree.map(jnp.zeros_like, nets)
    state = (nets, zeros, zeros, nets, jnp.float32(0.0))
    start = time.monotonic()
    for k in range(epochs):
        order = rng.permutation(count)[: steps * batch].reshape(steps, batch)
        state, value = epoch(*state, arrays, jnp.asarray(order))
        if k % max(1, epochs // 40) == 0 or k == epochs - 1:
            log(f"epoch {k:5d}  loss {float(value):.6f}  {time.monotonic() - start:.0f} s")
    return state[3]


def fold(net, whitening):
    """Layers (W, b) for the engine: plain descriptors in, hidden values a tenth."""
    net = [(np.asarray(w, float), np.asarray(b, float)) for w, b in net]
    out = []
    for k, (w, b) in enumerate(net):
        if k == 0:
            w = w @ whitening.matrix.T
            b = b - w @ whitening.mean
            w, b = ALPHA * w, ALPHA * b
        elif k + 1 < len(net):
            b = ALPHA * b
        else:
            w = w / ALPHA
        out.append((w, b))
    return out
