"""ANI descriptors and their derivatives in NumPy; the formulas of src/model/ani/ani_kernel.h.

A frame becomes three arrays that training needs and that do not depend on the network:
G (n, F), J (3n, n, F) = dG/dx and V (6, n, F) = dG/d(strain), so that the forces of any network are
-J : dE/dG and no positions, neighbours or exponentials appear while it is trained.
"""

import numpy as np


def trained(values):
    """Shifts and widths are float32 in the engine."""
    return np.asarray(values, np.float32).astype(float)


def neighbors(x, cell, cutoff):
    """Entries (i, j, vector) of all images within the cutoff, own images too."""
    inverse = np.linalg.inv(cell)
    x = x - np.floor(x @ inverse) @ cell
    reach = np.ceil(cutoff * np.linalg.norm(inverse, axis=0)).astype(int)
    grids = np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij")
    images = np.stack([g.ravel() for g in grids], axis=1) @ cell
    between = x[None, :, :] - x[:, None, :]
    entries = []
    for image in images:
        r = between + image
        d2 = np.einsum("ijk,ijk->ij", r, r)
        i, j = np.nonzero((d2 < cutoff * cutoff) & (d2 > 1e-12))
        entries.append((i, j, r[i, j]))
    i, j, r = (np.concatenate(part) for part in zip(*entries))
    order = np.argsort(i, kind="stable")
    return i[order], j[order], r[order]


def cut(d, cutoff):
    inside = d < cutoff
    value = np.where(inside, 0.5 * np.cos(np.pi * d / cutoff) + 0.5, 0.0)
    return value, np.where(inside, -0.5 * np.pi / cutoff * np.sin(np.pi * d / cutoff), 0.0)


def pair_index(count, a, b):
    low, high = np.minimum(a, b), np.maximum(a, b)
    return low * (2 * count - 1 - low) // 2 + high


def triples(i, d, cutoff):
    """Pairs (p, q) of entries of one centre within the cutoff."""
    close = np.nonzero(d < cutoff)[0]
    first, second = [], []
    for centre in np.unique(i[close]):
        mine = close[i[close] == centre]
        a, b = np.triu_indices(len(mine), 1)
        first.append(mine[a])
        second.append(mine[b])
    if not first:
        return np.zeros(0, int), np.zeros(0, int)
    return np.concatenate(first), np.concatenate(second)


class Sums:
    """Where the derivatives of the features of centre i by an entry's vector are gathered."""

    def __init__(self, n, features):
        self.j = np.zeros((n, n, features, 3))
        self.v = np.zeros((n, features, 3, 3))

    def add(self, i, j, columns, r, slope):
        """slope (entries, columns, 3): the derivative by r, which is x[j] - x[i]."""
        at = columns if columns.ndim == 2 else np.broadcast_to(columns, slope.shape[:2])
        i, j = i[:, None], j[:, None]
        np.add.at(self.j, (j, i, at), slope)
        np.add.at(self.j, (i, i, at), -slope)
        np.add.at(self.v, (i, at), r[:, None, :, None] * slope[:, :, None, :])


def radial(m, kind, i, j, r, d, u, g, sums):
    shift = trained(m.shift_r)
    eta = float(np.float32(m.eta_r))
    x = d[:, None] - shift
    gauss = 0.25 * np.exp(-eta * x * x)
    f, df = cut(d, m.radial_cutoff)
    value = gauss * f[:, None]
    slope = gauss * (df[:, None] - 2.0 * eta * x * f[:, None])
    columns = kind[j][:, None] * len(shift) + np.arange(len(shift))
    np.add.at(g, (i[:, None], columns), value)
    sums.add(i, j, columns, r, slope[:, :, None] * u[:, None, :])


def angular(m, kind, i, j, r, d, u, g, sums):
    p, q = triples(i, d, m.angular_cutoff)
    if len(p) == 0:
        return
    shift, section = trained(m.shift_a), trained(m.shift_z)
    eta, zeta = float(np.float32(m.eta_a)), float(np.float32(m.zeta))
    cosine = np.einsum("tk,tk->t", u[p], u[q])
    c = 0.95 * cosine
    s = np.sqrt(1.0 - c * c)
    h = 0.5 + 0.5 * (c[:, None] * np.cos(section) + s[:, None] * np.sin(section))
    a = h**zeta
    da = zeta * h ** (zeta - 1.0) * 0.5 * 0.95
    da = da * (np.cos(section) - (c / s)[:, None] * np.sin(section))
    x = 0.5 * (d[p] + d[q])[:, None] - shift
    e = np.exp(-eta * x * x)
    de = -eta * x * e
    (fp, dfp), (fq, dfq) = cut(d[p], m.angular_cutoff), cut(d[q], m.angular_cutoff)
    tile = (len(p), len(shift) * len(section))

    def outer(left, right, factor):
        return (factor[:, None, None] * left[:, :, None] * right[:, None, :]).reshape(tile)

    value = outer(e, a, 2.0 * fp * fq)
    by_p = outer(de, a, 2.0 * fp * fq) + outer(e, a, 2.0 * dfp * fq)
    by_q = outer(de, a, 2.0 * fp * fq) + outer(e, a, 2.0 * fp * dfq)
    by_cosine = outer(e, da, 2.0 * fp * fq)
    start = len(m.elements) * len(m.shift_r)
    which = pair_index(len(m.elements), kind[j[p]], kind[j[q]])
    columns = start + which[:, None] * tile[1] + np.arange(tile[1])
    np.add.at(g, (i[p][:, None], columns), value)
    for mine, other, along in ((p, q, by_p), (q, p, by_q)):
        turn = (u[other] - cosine[:, None] * u[mine]) / d[mine][:, None]
        slope = along[:, :, None] * u[mine][:, None, :] + by_cosine[:, :, None] * turn[:, None, :]
        sums.add(i[mine], j[mine], columns, r[mine], slope)


VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def describe(m, kind, x, cell):
    """G, J, V of one frame, float32; kind (n): index of each atom's element."""
    n = len(x)
    i, j, r = neighbors(x, cell, m.radial_cutoff)
    d = np.linalg.norm(r, axis=1)
    u = r / d[:, None]
    g, sums = np.zeros((n, m.features)), Sums(n, m.features)
    radial(m, kind, i, j, r, d, u, g, sums)
    angular(m, kind, i, j, r, d, u, g, sums)
    jacobian = sums.j.transpose(0, 3, 1, 2).reshape(3 * n, n, m.features)
    strain = np.stack([0.5 * (sums.v[:, :, a, b] + sums.v[:, :, b, a]) for a, b in VOIGT])
    return g.astype(np.float32), jacobian.astype(np.float32), strain.astype(np.float32)
