"""The three ways of judging a network by repeated k-fold, each run in a fresh process of its own.

All ways train on the same rows of the same folds: a fold's training rows without the inner
validation split that ninefold sets aside. Imports are not timed; whatever else comes is, the
tracing of a graph and the compiling of a network included.

`python contenders.py JOB` (a job as JSON) prints the outcome as JSON.
"""

import json
import resource
import sys
import tempfile
import time
from functools import partial
from typing import Any

import numpy as np
from problems import BATCH, PROBLEMS, Problem, made_data

SEED = 1


def keras_fit(
    job: dict[str, Any], problem: Problem, X: np.ndarray, y: np.ndarray, folder: str
) -> dict:
    """Time `model.fit` in the first `timed` folds and one before them, which warms up."""
    import keras

    X, y = X.astype("float32"), y.astype("float32")
    seconds, scores = [], []
    for number, fold in enumerate(_folds(job, X, y)[: job["timed"] + 1]):
        start = time.perf_counter()
        x = _standardise(X, fold.train)
        target = _standardise(y, fold.train) if problem.metric == "r2" else y
        keras.utils.set_random_seed(SEED + number)
        model = problem.network()
        model.fit(
            x[fold.train],
            target[fold.train],
            validation_data=(x[fold.validation], target[fold.validation]),
            epochs=job["epochs"],
            batch_size=BATCH,
            callbacks=problem.callbacks(folder),
            verbose=0,
        )
        outputs = np.asarray(model(x[fold.test]))  # on few rows faster than `predict`
        seconds.append(time.perf_counter() - start)
        scores.append(_score(problem, outputs, target[fold.test]))
    return {"fold_seconds": seconds, "scores": scores, "engine": "model.fit"}


def scikit_learn(
    job: dict[str, Any], problem: Problem, X: np.ndarray, y: np.ndarray, folder: str
) -> dict:
    """Time `cross_val_score`; its worker processes have started and imported all they need."""
    from joblib import Parallel, delayed
    from sklearn.model_selection import cross_val_score

    if problem.estimator is None:
        raise ValueError(f"scikit-learn has no network like the {problem.title}")
    folds = [(fold.train, fold.test) for fold in _folds(job, X, y)]
    model, jobs = problem.estimator(job["epochs"]), job["n_jobs"]
    Parallel(n_jobs=jobs)(delayed(_import_network)() for _ in range(jobs))
    start = time.perf_counter()
    scores = cross_val_score(model, X, y, cv=folds, scoring=problem.metric, n_jobs=jobs)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "scores": scores.tolist(), "engine": "scikit-learn"}


def _import_network() -> None:
    import sklearn.neural_network  # noqa: F401


def ninefold(
    job: dict[str, Any], problem: Problem, X: np.ndarray, y: np.ndarray, folder: str
) -> dict:
    """Time the first `evaluate` of a process, with all that a study gets: inner validation,
    curves, out-of-fold predictions, every metric."""
    import ninefold

    ninefold.evaluate  # noqa: B018  names are imported when first asked for
    build: Any = problem.network
    if job["variants"]:  # one network under several step sizes
        rates = np.geomspace(0.0003, 0.003, job["variants"])
        build = {f"rate {rate:.2g}": partial(problem.network, rate=float(rate)) for rate in rates}
    start = time.perf_counter()
    found = ninefold.evaluate(
        build,
        X,
        y,
        folds=job["folds"],
        repeats=job["repeats"],
        epochs=job["epochs"],
        batch_size=BATCH,
        callbacks=problem.callbacks(folder),
        seed=SEED,
    )
    seconds = time.perf_counter() - start
    first = next(iter(found.values())) if job["variants"] else found
    scores = first.scores.sort_values(["repeat", "fold"])[problem.metric]
    return {"seconds": seconds, "scores": scores.tolist(), "engine": first.engine}


WAYS = {"model.fit": keras_fit, "scikit-learn": scikit_learn, "ninefold": ninefold}


def _folds(job: dict[str, Any], X: np.ndarray, y: np.ndarray) -> list:
    """Return the folds that `ninefold.evaluate` makes of the same arguments."""
    from ninefold.study.arguments import make_task
    from ninefold.study.splitters import make_splits

    task = make_task(X, y, None, None)
    return make_splits(task, folds=job["folds"], repeats=job["repeats"], validation=0.2, seed=SEED)


def _standardise(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Standardise by the training rows: columns each, images as one, as ninefold does."""
    axis = None if values.ndim > 2 else 0
    return (values - values[train].mean(axis)) / values[train].std(axis)


def _score(problem: Problem, outputs: np.ndarray, y: np.ndarray) -> float:
    from sklearn.metrics import accuracy_score, r2_score

    if problem.metric == "r2":
        return float(r2_score(y, outputs[:, 0]))
    classes = outputs.argmax(axis=1) if outputs.shape[1] > 1 else outputs[:, 0] > 0.5
    return float(accuracy_score(y, classes))


def _peak_bytes() -> int:
    """Return the most memory this process has held, imports included, its workers' apart."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Do one job and return its outcome: seconds (or fold_seconds), scores, engine, peak_bytes."""
    if job["way"] != "scikit-learn":
        from ninefold.quiet import load_tensorflow

        load_tensorflow()
    import sklearn.neural_network  # noqa: F401

    problem = PROBLEMS[job["problem"]]
    X, y = made_data(job["rows"]) if job["rows"] else problem.load()
    with tempfile.TemporaryDirectory() as folder:
        outcome = WAYS[job["way"]](job, problem, X, y, folder)
    return outcome | {"rows": len(X), "peak_bytes": _peak_bytes()}


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.argv[1]))))
