#!/usr/bin/env python3
"""How the time of `ptsne embed` grows with the points: 1,000 to 1,000,000 of them, in Gaussian clusters.

    tests/bench/growth.py [--max N] [--columns 50] [--clusters 50] [--iterations 100] [--repeat 2] [--ptsne PROGRAM]
                          [-- OPTIONS OF PTSNE EMBED]

Prints the seconds of each stage and the milliseconds of an iteration: what --iterations more of them add to a run of 50 at
exaggeration 12 and 50 at 1 on the same graph, so that what a run does once is no part of it. Best of --repeat runs each.
Fits the exponent of time = c * points^e by least squares on the logarithms, over all sizes and from 10,000 on."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

SIZES = (1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000)


def clusters_make(n, columns, clusters, path):
    random = np.random.default_rng(0)
    centres = random.normal(scale=3, size=(clusters, columns)).astype(np.float32)
    x = random.normal(size=(n, columns)).astype(np.float32)
    x += centres[np.arange(n) % clusters]
    np.save(path, x)


def run(args, folder, more, *graph):
    command = [args.ptsne, "embed", f"{folder}/x.npy", "-o", f"{folder}/y.npy", "-f", "-q", "--json",
               f"{folder}/report.json", "--phases", f"50:12,{50 + more}:1", "--tolerance", "0", *graph, *args.options]
    subprocess.run(command, check=True)
    with open(f"{folder}/report.json") as f:
        return json.load(f)


def measure(args, folder):
    """The report of the first run, which finds the neighbours, and the seconds of an iteration."""
    graph = f"{folder}/index.npy,{folder}/distance.npy"
    first = run(args, folder, 0, "--save-neighbors", graph)
    short, long = (min(run(args, folder, more, "--neighbors", graph)["optimize_seconds"] for _ in range(args.repeat))
                   for more in (0, args.iterations))
    return first, (long - short) / args.iterations


def exponent(sizes, times):
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def main():
    own, options = sys.argv[1:], []
    if "--" in own:
        own, options = own[:own.index("--")], own[own.index("--") + 1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    built = pathlib.Path(__file__).resolve().parents[2] / "build/release/bin/ptsne"
    parser.add_argument("--max", type=int, default=1000000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--clusters", type=int, default=50)
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--ptsne", default=str(built) if built.exists() else "ptsne")
    args = parser.parse_args(own)
    args.options = options
    sizes, times = [], []
    print("| points | pca s | neighbours s | affinities s | embedding s | ms an iteration | recall |\n"
          "|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    for n in (size for size in SIZES if size <= args.max):
        with tempfile.TemporaryDirectory() as folder:
            clusters_make(n, args.columns, args.clusters, f"{folder}/x.npy")
            told, iteration = measure(args, folder)
        recall = "-" if told["recall"] is None else f"{told['recall']:.3f}"
        print(f"| {n:,} | {told['pca_seconds']:.2f} | {told['neighbor_seconds']:.2f} | {told['affinity_seconds']:.2f} "
              f"| {told['optimize_seconds']:.2f} | {1e3 * iteration:.2f} | {recall} |", flush=True)
        sizes.append(n)
        times.append(iteration)
    print()
    for words, least in (("all sizes", 0), ("10,000 points on", 10000)):
        kept = [i for i, n in enumerate(sizes) if n >= least]
        if len(kept) > 1:
            e = exponent([sizes[i] for i in kept], [times[i] for i in kept])
            print(f"an iteration grows as points^{e:.3f} ({words})")


if __name__ == "__main__":
    main()
