"""Levenberg-Marquardt after Adam: networks this small have few enough weights that the normal
equations of all forces can be made and solved, and the last digit comes in some dozen steps.

K. Levenberg, Q. Appl. Math. 2, 164 (1944); D. Marquardt, J. SIAM 11, 431 (1963).
"""

import time

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

import train as tr


class Problem:
    """Sum of squared residuals of all frames as a function of one vector of weights."""

    def __init__(self, nets, rows, arrays, scale):
        self.theta, self.tree = ravel_pytree(nets)
        self.rows, self.scale = rows, scale
        self.arrays = tuple(jnp.asarray(a, jnp.float32) for a in arrays)
        self.count = len(arrays[0])
        self.normal = jax.jit(self.make_normal())
        self.loss_of = jax.jit(self.make_loss())

    def parts(self, g, weight, share):
        """Factors that make residuals of forces, energy and virial."""
        force, energy, virial = self.scale
        n = g.shape[0]
        return (
            jnp.sqrt(tr.FORCE * weight / (3 * n)) / force,
            jnp.sqrt(tr.ENERGY * share) / n / energy,
            jnp.sqrt(tr.VIRIAL / 6 * share) / n / virial,
        )

    def make_loss(self):
        loss = tr.make_loss(self.rows, self.scale)

        def total(theta, arrays):
            def one(sum_, frame):
                return sum_ + loss(self.tree(theta), *(a[None] for a in frame)), None

            return jax.lax.scan(one, jnp.float32(0.0), arrays)[0] / self.count

        return total

    def make_normal(self):
        nets = self.tree(self.theta)
        parts = [ravel_pytree(net) for net in nets]
        sizes = [part[0].size for part in parts]
        starts = np.cumsum([0] + sizes)

        def slopes(element, theta, g):
            """Derivatives by the weights of the element's energy and dE/dG, atom by atom."""

            def atom(weights, x):
                net = parts[element][1](weights)
                return jax.value_and_grad(lambda y: tr.energies(net, y))(x)

            return jax.vmap(lambda x: jax.jacrev(lambda w: atom(w, x))(theta))(g)

        def frame(theta, g, j, v, e0, f0, v0, weight, share):
            n = g.shape[0]
            j, v = j.reshape(3 * n, n, -1), v.reshape(6, n, -1)
            e, f, w = tr.predict(self.tree(theta), self.rows, g, j, v)
            kf, ke, kv = self.parts(g, weight, share)
            columns = []
            for k, at in enumerate(self.rows):
                energy, gradient = slopes(k, theta[starts[k] : starts[k + 1]], g[at])
                gradient = gradient.reshape(-1, sizes[k])
                df = -(j[:, at].reshape(3 * n, -1) @ gradient)
                dv = v[:, at].reshape(6, -1) @ gradient
                de = energy.sum(axis=0)[None]
                columns.append(jnp.concatenate([df * kf[:, None], de * ke, dv * kv]))
            rows = jnp.concatenate(columns, axis=1)
            residual = jnp.concatenate([(f - f0) * kf, ((e - e0) * ke)[None], (w - v0) * kv])
            return rows.T @ rows, rows.T @ residual

        def total(theta, arrays):
            def one(sums, item):
                a, b = frame(theta, *item)
                return (sums[0] + a, sums[1] + b), None

            size = theta.size
            zero = (jnp.zeros((size, size)), jnp.zeros(size))
            return jax.lax.scan(one, zero, arrays)[0]

        return total


def refine(nets, rows, arrays, scale, steps, log, keep=lambda nets: None):
    """At most `steps` steps, accepted or refused; returns better networks, and hands them to `keep`
    now and then."""
    problem = Problem(nets, rows, arrays, scale)
    theta, damping = problem.theta, 1e-3
    best = float(problem.loss_of(theta, problem.arrays))
    start, normal = time.monotonic(), None
    for k in range(steps):
        if normal is None:
            normal = [np.asarray(a, float) for a in problem.normal(theta, problem.arrays)]
        matrix = normal[0] + damping * np.diag(np.diag(normal[0]) + 1e-6 * normal[0].max())
        move = np.linalg.solve(matrix, normal[1])
        trial = theta - jnp.asarray(move, jnp.float32)
        value = float(problem.loss_of(trial, problem.arrays))
        if value < best:
            theta, best, normal, damping = trial, value, None, max(damping / 3.0, 1e-9)
        else:
            damping *= 4.0
        used = time.monotonic() - start
        if k % 5 == 0 or k == steps - 1:
            log(f"step {k:4d}  loss {best:.6f}  damping {damping:.1e}  {used:.0f} s")
            keep(problem.tree(theta))
        if damping > 1e4:
            break
    return problem.tree(theta)
