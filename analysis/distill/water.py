"""Frames of water that its own dynamics does not show, and a student's dynamics must know.

The teacher's molecules are fixed: a hydrogen that is pulled to another oxygen goes on pulling back.
A function of positions can say the same as long as the assignment is the cheapest one, and it is:
an oxygen with one hydrogen beside one with three costs several eV. But only frames in which that
is so tell it. Here molecules are stretched, bent, turned, pushed into each other, and hydrogens
moved over to other oxygens; and frames are taken from dynamics in which a student fails. All are
labelled by the teacher, which knows whose hydrogen is whose. Atoms come as O, H, H.
"""

import numpy as np

import frames as fr

BOND = 1.75  # A: what is farther from its oxygen is lost
NEAREST = {"OO": 2.15, "OH": 0.85, "HH": 0.9}  # A, of what is not bonded


def whole(frame):
    """Positions (molecules, 3, 3) with each molecule in one piece."""
    inverse = np.linalg.inv(frame.cell)
    x = frame.x.reshape(-1, 3, 3)
    between = x - x[:, :1]
    return x[:, :1] + between - np.round(between @ inverse) @ frame.cell


def strained(frame, strain):
    """The cell and the molecules' places follow the strain, their shapes do not."""
    x, by = whole(frame), np.eye(3) + strain
    out = x[:, :1] @ by + (x - x[:, :1])
    return fr.Frame(frame.numbers, out.reshape(-1, 3), frame.cell @ by)


def shortest(r, cell):
    return r - np.round(r @ np.linalg.inv(cell)) @ cell


def reach(x, cell):
    """The shortest and longest O-H bond, and the shortest distances that are not bonds: O-H, H-H
    (those of one molecule too), O-O."""
    o, h = x[:, 0], x[:, 1:].reshape(-1, 3)

    def distances(a, b):
        return np.linalg.norm(shortest(b[None] - a[:, None], cell), axis=2)

    d, bonded = distances(o, h), np.arange(len(o))[:, None] == np.arange(len(h))[None] // 2
    hh = distances(h, h) + 9.0 * np.eye(len(h))
    oo = distances(o, o) + 9.0 * np.eye(len(o))
    return d[bonded].min(), d[bonded].max(), d[~bonded].min(), hh.min(), oo.min()


def is_sound(x, cell):
    """Near enough to what can happen that the labels are worth learning."""
    low, high, oh, hh, oo = reach(x, cell)
    return (
        low > 0.7
        and high < BOND
        and oh > NEAREST["OH"]
        and hh > NEAREST["HH"]
        and oo > NEAREST["OO"]
    )


def unit(v):
    return v / np.linalg.norm(v)


def rotation(axis, angle):
    a = unit(axis)
    k = np.array([[0, -a[2], a[1]], [a[2], 0, -a[0]], [-a[1], a[0], 0]])
    return np.eye(3) + np.sin(angle) * k + (1.0 - np.cos(angle)) * (k @ k)


def stretch(x, cell, k, rng):
    h = rng.integers(1, 3)
    x[k, h] = x[k, 0] + unit(x[k, h] - x[k, 0]) * rng.uniform(0.8, 1.6)


def hand_over(x, cell, k, rng):
    """A hydrogen on its way to the nearest other oxygen, to which its molecule comes closer."""
    h = rng.integers(1, 3)
    away = np.linalg.norm(shortest(x[:, 0] - x[k, h], cell), axis=1)
    away[k] = np.inf
    along = shortest(x[np.argmin(away), 0] - x[k, 0], cell)
    distance = rng.uniform(2.3, 3.0)
    x[k] += unit(along) * (np.linalg.norm(along) - distance)
    bond = rng.uniform(1.05, min(1.7, distance - 0.9))
    x[k, h] = x[k, 0] + unit(unit(along) + 0.2 * rng.normal(size=3)) * bond


def bend(x, cell, k, rng):
    h = rng.integers(1, 3)
    turn = rotation(rng.normal(size=3), rng.uniform(0.1, 0.8))
    x[k, h] = x[k, 0] + turn @ (x[k, h] - x[k, 0])


def turn(x, cell, k, rng):
    by = rotation(rng.normal(size=3), rng.uniform(0.2, 3.1))
    x[k] = x[k, 0] + (x[k] - x[k, 0]) @ by.T


def approach(x, cell, k, rng):
    """The molecule moves until one of its atoms is close to one of another molecule."""
    a = rng.integers(3)
    r = shortest(x - x[k, a], cell)
    far = np.linalg.norm(r, axis=2)
    far[k] = np.inf
    other = np.unravel_index(np.argsort(far, axis=None)[rng.integers(3)], far.shape)
    oxygens = int(a == 0) + int(other[1] == 0)
    low, high = ((1.0, 2.0), (1.0, 1.7), (2.2, 2.8))[oxygens]
    x[k] += unit(r[other]) * (far[other] - rng.uniform(low, high))


def gather(x, cell, k, rng):
    """Neighbours come closer than they like, several at a time."""
    along = shortest(x[:, 0] - x[k, 0], cell)
    distance = np.linalg.norm(along, axis=1)
    for other in np.argsort(distance)[1 : rng.integers(3, 7)]:
        closer = rng.uniform(0.0, 1.0) * max(0.0, distance[other] - 2.3)
        x[other] -= along[other] / distance[other] * min(closer, 0.8)


WAYS = (stretch, hand_over, hand_over, bend, turn, approach, gather, gather)


def disturb(x, cell, share, rng):
    """Some molecules, each in one of the ways, unless atoms would get too close. x (molecules, 3,
    3); returns another."""
    for k in np.nonzero(rng.random(len(x)) < share)[0]:
        way = WAYS[rng.integers(len(WAYS))]
        trial = x.copy()
        way(trial, cell, k, rng)
        if is_sound(trial, cell):
            x = trial
    return x


def odd_ones(run, rng):
    """Frames of one trajectory of a student up to the one in which a hydrogen is lost, if it is:
    the last ones, other ones with bonds or contacts that should not be, and some of any kind.
    Returns them and whether it was lost."""
    odd, lost = [], False
    for k, frame in enumerate(run):
        low, high, oh, hh, oo = reach(whole(frame), frame.cell)
        if high > BOND or min(oh, hh) < 0.7 or oo < 2.0:
            lost = True
            run = run[:k]
            break
        if high > 1.22 or low < 0.82 or oh < 1.3 or hh < 1.15 or oo < 2.25:
            odd.append(k)
    chosen = set(odd[-4:])
    for some, count in ((odd, 3), (range(len(run)), 2)):
        if len(some) > 0:
            chosen.update(int(k) for k in rng.choice(some, min(count, len(some)), replace=False))
    return [run[k] for k in sorted(chosen)], lost


def excursions(program, name, m, weights, folder, seed):
    """What a student should not have done in its own dynamics, and how many of its runs failed."""
    rng = np.random.default_rng(seed)
    every = int(round(2.5 / m.timestep_fs))
    steps = int(round(1e3 * m.explore_ps / m.timestep_fs))
    runs = fr.trajectories(
        program, name, m, m.explore, folder, seed, steps, every, m.atoms, weights=weights
    )
    chosen, failed = [], 0
    for run in runs:
        some, lost = odd_ones(run, rng)
        chosen += some
        failed += lost or len(run) < steps // every
    fr.label(program, chosen, folder)
    for frame in chosen:
        frame.kind = "student"
    return chosen, failed, len(runs)
