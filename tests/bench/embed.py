#!/usr/bin/env python3
"""Time `ptsne embed` stage by stage, and beside it what else is installed: openTSNE, scikit-learn, FIt-SNE.

    tests/bench/embed.py DATA [--labels FILE] [--limit N] [--pca K] [--threads N] [--repeat 2] [--peers LIST]
                              [--ptsne PROGRAM] [--no-quality] [-- OPTIONS OF PTSNE EMBED]

DATA is an .npy of rows, an IDX file (.gz or plain), or a directory with the four files of MNIST or Fashion-MNIST:
then training and test images are taken together, with their labels. --pca K reduces the data first, for all alike.

Every program gets the same rows of float32, the same number of threads, perplexity 30 and 250 + 500 iterations, in turn, each
--repeat times, in the same run. Seconds are the best repetition's, and `all` has every one. For ptsne they are those of the whole
process, its reading and writing included; for the others without the start of Python. Quality is judged by
`ptsne metrics`, exactly, on the rows that were embedded."""
import argparse
import gzip
import inspect
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

PERPLEXITY = 30
STAGES = ("pca", "neighbours", "affinities", "embedding")
QUALITY = ("knn_error_1", "knn_error_10", "trustworthiness_12", "knn_preservation_10", "kl_30")


# ---- data ----

def idx_read(path):
    with (gzip.open if str(path).endswith(".gz") else open)(path, "rb") as f:
        raw = f.read()
    if raw[:3] != b"\0\0\x08":
        sys.exit(f"{path}: not an IDX file of unsigned bytes")
    shape = np.frombuffer(raw, ">i4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def array_read(path):
    return np.load(path) if str(path).endswith(".npy") else idx_read(path)


def data_read(args):
    path = pathlib.Path(args.data)
    if path.is_dir():
        def both(kind, part):
            files = [next(iter(sorted(path.glob(f"{half}-{kind}-{part}*"))), None) for half in ("train", "t10k")]
            if None in files:
                sys.exit(f"{path}: no files train-{kind}-{part}* and t10k-{kind}-{part}*")
            return np.concatenate([idx_read(f) for f in files])
        x, labels = both("images", "idx3"), both("labels", "idx1")
    else:
        x, labels = array_read(path), array_read(args.labels) if args.labels else None
    x = x.reshape(len(x), -1)
    if args.limit:
        x, labels = x[:args.limit], labels if labels is None else labels[:args.limit]
    x = np.ascontiguousarray(x, np.float32)
    if args.pca:
        from sklearn.decomposition import PCA
        x = np.ascontiguousarray(PCA(args.pca, random_state=0).fit_transform(x), np.float32)
    return x, labels


# ---- peers: each returns its map and the seconds of the stages that it tells apart ----

def run_opentsne(x, threads, exact):
    import openTSNE
    from openTSNE import affinity, initialization, nearest_neighbors
    k, clock, took = 3 * PERPLEXITY, time.perf_counter, {}
    began = clock()
    index = nearest_neighbors.Sklearn if exact else nearest_neighbors.Annoy
    index = index(data=x, k=k, metric="euclidean", n_jobs=threads, random_state=0)
    index.build()
    took["neighbours"], began = clock() - began, clock()
    p = affinity.PerplexityBasedNN(perplexity=PERPLEXITY, knn_index=index, n_jobs=threads)
    took["affinities"], began = clock() - began, clock()
    init = initialization.pca(x, random_state=0)
    took["pca"], began = clock() - began, clock()
    y = openTSNE.TSNEEmbedding(init, p, n_jobs=threads, random_state=0)
    y = y.optimize(250, exaggeration=12, momentum=0.8)
    y = y.optimize(500, momentum=0.8)
    took["embedding"] = clock() - began
    return np.asarray(y), took


def run_sklearn(x, threads):
    from sklearn.manifold import TSNE
    iterations = "max_iter" if "max_iter" in inspect.signature(TSNE).parameters else "n_iter"
    options = {"init": "pca", "learning_rate": "auto", iterations: 750, "n_jobs": threads}
    return TSNE(perplexity=PERPLEXITY, random_state=0, **options).fit_transform(x), {}


def run_fitsne(x, threads):
    from fast_tsne import fast_tsne
    return fast_tsne(x, perplexity=PERPLEXITY, nthreads=threads, seed=1), {}


PEERS = {
    "opentsne": ("openTSNE, approximate", "openTSNE", lambda x, t: run_opentsne(x, t, False)),
    "opentsne-exact": ("openTSNE, exact", "openTSNE", lambda x, t: run_opentsne(x, t, True)),
    "sklearn": ("scikit-learn", "sklearn", run_sklearn),
    "fitsne": ("FIt-SNE", "fast_tsne", run_fitsne),
}


def peer_main(name, data, output, threads):
    """A process of its own for each run: PEER DATA OUTPUT THREADS; prints its seconds as JSON."""
    x = np.load(data)
    __import__(PEERS[name][1])
    began = time.perf_counter()
    y, took = PEERS[name][2](x, threads)
    took["all"] = time.perf_counter() - began
    np.save(output, np.ascontiguousarray(y, np.float32))
    print(json.dumps(took))


def installed(name):
    module = PEERS[name][1]
    found = subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode == 0
    return found and (name != "fitsne" or shutil.which("fast_tsne") is not None)


# ---- runs ----

def time_peer(name, data, output, threads):
    command = [sys.executable, __file__, "--peer", name, data, output, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"{name} failed:\n{done.stderr[-2000:]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def time_ptsne(args, data, output, report):
    command = [args.ptsne, "embed", data, "-o", output, "-f", "-q", "--json", report, "--threads", str(args.threads)]
    began = time.perf_counter()
    subprocess.run(command + args.options, check=True)
    seconds = time.perf_counter() - began
    with open(report) as f:
        told = json.load(f)
    took = {stage: told[key + "_seconds"] for stage, key in zip(STAGES, ("pca", "neighbor", "affinity", "optimize"))}
    return {**took, "all": seconds}


def quality_of(args, data, output, labels, report):
    command = [args.ptsne, "metrics", "--data", data, "--embedding", output, "--json", report, "-q"]
    subprocess.run(command + (["--labels", labels] if labels else []), check=True, stdout=subprocess.DEVNULL)
    with open(report) as f:
        told = json.load(f)
    return {key: told.get(key) for key in QUALITY}


def cell(value, digits):
    return "-" if value is None else f"{value:.{digits}f}"


def table_print(rows):
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    for i, row in enumerate(rows):
        print("| " + " | ".join(text.ljust(w) if c == 0 else text.rjust(w)
                                for c, (text, w) in enumerate(zip(row, widths))) + " |")
        if i == 0:
            print("|" + "|".join("-" * (w + 2) for w in widths) + "|")


def report_print(names, seconds, quality):
    head = ["program", *STAGES, "seconds", "times ptsne", "all", "1-NN %", "10-NN %", "trust.", "preserved", "KL"]
    rows, own = [head], min(run["all"] for run in seconds["ptsne"])
    for name in names:
        best = min(seconds[name], key=lambda run: run["all"])
        q = quality.get(name, {})
        errors = [None if q.get(key) is None else 100 * q[key] for key in QUALITY[:2]]
        rows.append([PEERS[name][0] if name in PEERS else name, *(cell(best.get(stage), 2) for stage in STAGES),
                     cell(best["all"], 2), cell(best["all"] / own, 2),
                     " ".join(cell(run["all"], 1) for run in seconds[name]), *(cell(e, 2) for e in errors),
                     cell(q.get("trustworthiness_12"), 4), cell(q.get("knn_preservation_10"), 4),
                     cell(q.get("kl_30"), 4)])
    table_print(rows)


def main():
    if len(sys.argv) == 6 and sys.argv[1] == "--peer":
        return peer_main(*sys.argv[2:5], int(sys.argv[5]))
    own, options = sys.argv[1:], []
    if "--" in own:
        own, options = own[:own.index("--")], own[own.index("--") + 1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    built = pathlib.Path(__file__).resolve().parents[2] / "build/release/bin/ptsne"
    parser.add_argument("data")
    parser.add_argument("--labels", help=".npy or IDX of one label a row")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--pca", type=int)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--peers", default=",".join(PEERS), help="of " + ",".join(PEERS) + "; empty for none")
    parser.add_argument("--ptsne", default=str(built) if built.exists() else "ptsne")
    parser.add_argument("--no-quality", action="store_true")
    args = parser.parse_args(own)
    args.options = options
    os.environ.update(OMP_NUM_THREADS=str(args.threads), OPENBLAS_NUM_THREADS=str(args.threads))
    wanted = [name for name in args.peers.split(",") if name]
    unknown = [name for name in wanted if name not in PEERS]
    if unknown:
        sys.exit(f"--peers: no {unknown[0]}; there are {', '.join(PEERS)}")
    names = ["ptsne"] + [name for name in wanted if installed(name)]
    missing = [name for name in wanted if name not in names]
    if missing:
        print("not installed: " + ", ".join(missing))
    x, labels = data_read(args)
    print(f"{len(x)} rows of {x.shape[1]} columns, {args.threads} threads, {args.repeat} repetitions\n")
    seconds, quality = {name: [] for name in names}, {}
    with tempfile.TemporaryDirectory() as folder:
        data, codes, report = (f"{folder}/{name}" for name in ("x.npy", "labels.npy", "report.json"))
        np.save(data, x)
        if labels is not None:
            np.save(codes, labels)
        for _ in range(args.repeat):
            for name in list(names):
                output = f"{folder}/{name}.npy"
                took = (time_ptsne(args, data, output, report) if name == "ptsne"
                        else time_peer(name, data, output, args.threads))
                if took is None:
                    names.remove(name)
                else:
                    seconds[name].append(took)
        for name in names if not args.no_quality else []:
            quality[name] = quality_of(args, data, f"{folder}/{name}.npy", codes if labels is not None else None, report)
    report_print(names, seconds, quality)


if __name__ == "__main__":
    main()
