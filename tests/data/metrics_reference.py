#!/usr/bin/env python3
"""Reference values of tests/test_metrics.c, from scikit-learn; prints them as C rows.

The data are made by a formula that the test repeats: 12-bit numbers of a linear congruential generator and whole offsets, so
that every value is exact in float32.  Needs numpy, scipy and scikit-learn (made with 1.2.1).
"""
import numpy as np
import scipy.sparse as sp
from scipy.spatial.distance import cdist
from sklearn.manifold import trustworthiness
from sklearn.manifold._t_sne import _joint_probabilities, _joint_probabilities_nn
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors


def generator(seed):
    state = seed
    while True:
        state = (state * 1664525 + 1013904223) % 2**32
        yield (state >> 20) / 4096.0


def make(n, d, c, seed):
    """Five classes, class i % 5; the map is the first columns, stretched, and some noise."""
    u = generator(seed)
    x, y = np.zeros((n, d)), np.zeros((n, c))
    for i in range(n):
        for j in range(d):
            x[i, j] = next(u) + next(u) + next(u) + (0.5 if j % 5 == i % 5 else 0.0)
        for j in range(c):
            y[i, j] = 8.0 * x[i, j] + 4.0 * next(u) + next(u) / 16.0 + (2.0 if j == i % 5 else 0.0)
    return x, y, np.arange(n) % 5


def kl(x, y):
    n = len(x)
    if n <= 91:
        condensed = _joint_probabilities((cdist(x, x) ** 2).astype(np.float32), 30.0, 0)
        p = np.zeros((n, n))
        p[np.triu_indices(n, 1)] = condensed
        p += p.T
    else:
        graph = NearestNeighbors(n_neighbors=90, algorithm="brute").fit(x).kneighbors_graph(mode="distance")
        graph.data = (graph.data**2).astype(np.float32)
        p = _joint_probabilities_nn(graph, 30.0, 0).toarray().astype(np.float64)
    p /= p.sum()
    q = 1 / (1 + cdist(y, y) ** 2)
    np.fill_diagonal(q, 0)
    q /= q.sum()
    some = p > 1e-14
    return (p[some] * np.log(p[some] / q[some])).sum()


def kept(x, y):
    a = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(x).kneighbors(return_distance=False)
    b = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(y).kneighbors(return_distance=False)
    return np.mean([len(set(r) & set(s)) / 10 for r, s in zip(a, b)])


def trust(x, y, k=12):
    n = len(x)
    if 2 * k < n:
        return trustworthiness(x, y, n_neighbors=k)
    order = np.argsort(cdist(x, x) + np.diag(np.full(n, -1.0)), axis=1, kind="stable")
    rank = np.argsort(order, axis=1)  # 0 is the point itself
    near = NearestNeighbors(n_neighbors=k).fit(y).kneighbors(return_distance=False)
    penalty = sum(max(0, rank[i, j] - k) for i in range(n) for j in near[i])
    return 1 - 2 / (n * (n - k) * (n - k - 1)) * penalty  # Venna and Kaski's factor for k >= n / 2


def leave_one_out(y, labels, k):
    near = NearestNeighbors(n_neighbors=k).fit(y).kneighbors(return_distance=False)
    return np.mean([np.bincount(labels[row]).argmax() != own for row, own in zip(near, labels)])


def row(n, n_test, d, c, one, ten, x, y):
    value = kl(x, y) if len(x) > 30 else float("nan")
    print("{%d, %d, %d, %d, {%.9g, %.9g, %.9g, %.9g, %s}}," % (
        n, n_test, d, c, one, ten, trust(x, y), kept(x, y), "%.7g" % value if value == value else "NAN"))


for n, d, c in ((300, 10, 2), (300, 10, 3), (200, 6, 1), (150, 12, 5), (60, 10, 2), (25, 10, 2), (24, 8, 2), (14, 8, 2)):
    x, y, labels = make(n, d, c, 1000 + n + c)
    row(n, 0, d, c, leave_one_out(y, labels, 1), leave_one_out(y, labels, 10), x, y)
for n, n_test in ((300, 120), (40, 30)):
    x, y, labels = make(n + n_test, 10, 2, 7 + n)
    split = [1 - KNeighborsClassifier(k).fit(y[:n], labels[:n]).score(y[n:], labels[n:]) for k in (1, 10)]
    row(n, n_test, 10, 2, split[0], split[1], x[n:], y[n:])
