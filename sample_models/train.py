"""Train the shipped checkpoints again: ``python -m sample_models.train [name ...] [--folder FOLDER]``."""

import argparse
import time

import torch

from sample_models.manifest import FOLDER, write_shipped
from sample_models.training import RUNS, run_data, training_steps

__all__ = ["train"]


def train(name, folder=FOLDER):
    """Train the run `name` of `training.RUNS` and write what it keeps into `folder`; the new manifest entries.

    Raises ValueError for a name that is not in `RUNS`.
    """
    if name not in RUNS:
        raise ValueError(f"there is no run {name!r}: choose one of {', '.join(RUNS)}.")
    run = RUNS[name]
    data = run_data(run)
    kept = [epoch for epoch in training_steps(run, data) if epoch.epoch in (run.keep or (run.epochs,))]
    return write_shipped(run, kept, data, folder)


def main():
    parser = argparse.ArgumentParser(description="Train the shipped checkpoints again, all of them or those named.")
    parser.add_argument("names", nargs="*", default=list(RUNS), metavar="name", help=", ".join(RUNS))
    parser.add_argument("--folder", default=FOLDER, help="where weights and manifest.json go (%(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # small operations, and the same sums on every machine
    print(f"{'checkpoint':34} {'parameters':>10} {'loss':>9} {'accuracy':>9} {'test':>7} {'seconds':>8}")
    for name in arguments.names:
        begun = time.perf_counter()
        try:
            entries = train(name, arguments.folder)
        except ValueError as error:
            parser.error(str(error))
        for entry in entries:
            print(
                f"{entry.name:34} {entry.parameters:10,} {entry.loss:9.4f} {entry.accuracy:9.2%} "
                f"{entry.test_accuracy:7.1%} {time.perf_counter() - begun:8.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
