"""Measures whether weights of the classes in the loss help where some classes are rare.

    python bench/class_weights.py FOLDER [--seeds 3] [--epochs 20] [--keep]

FOLDER is CIFAR-10 as an image folder, with train/<class> and test/<class>. Of its training images 364 of each of the
first five classes are taken and 36 of each of the others, 2,000 in all and ten to one; 15 % of them validate. One fixed
network of the family plain is trained on them with ``class_weight`` none and balanced; the model is that of the epoch
with the best balanced accuracy. Prints, for each seed, the balanced accuracy on 2,000 test images, 200 of each class,
and the recall of the frequent and of the rare classes. ``--keep`` writes bench/results/class_weights.json. Takes about
4 minutes.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from machine import keep, machine

from pipeline.architecture import FAMILIES
from pipeline.data import Dataset, load
from pipeline.metrics import METRICS
from pipeline.recipe import CLASS_WEIGHTS, Recipe
from pipeline.study.model_metadata import ModelMetadata
from pipeline.study.trial import Decision, Trial
from pipeline.training.inputs import TrainingInputs
from pipeline.training.predict import predict_dataset
from pipeline.training.runnable_model import RunnableModel
from pipeline.training.task import TrainTask

FREQUENT, RARE, TEST = 364, 36, 200
"""Images of each class."""

PARAMS = {
    "family": "plain",
    "blocks": 3,
    "convs": 1,
    "filters_1": 32,
    "filters_2": 64,
    "filters_3": 128,
    "head": "average",
    "fc_layers": 0,
    "dropout": 0.2,
    "learning_rate": 0.003,
    "schedule": "one_cycle",
    "flip": True,
    "shift": 0.1,
}


def write_folder(source: Path, target: Path) -> None:
    """Links to the images, in a folder for each split and class."""
    classes = sorted(path.name for path in (source / "train").iterdir() if path.is_dir())
    for number, name in enumerate(classes):
        for split, count in ("train", FREQUENT if number < len(classes) // 2 else RARE), ("test", TEST):
            (target / split / name).mkdir(parents=True)
            for file in sorted((source / split / name).iterdir())[:count]:
                (target / split / name / file.name).symlink_to(file.resolve())


def train(data: Dataset, class_weight: str, seed: int, epochs: int, folder: Path) -> dict[str, float]:
    """Test scores of one training."""
    params = PARAMS | {"class_weight": class_weight}
    metadata = ModelMetadata(data.classes, data.shape, data.name, data.digest, seed, "bench", 0)
    file = folder / f"{class_weight}-{seed}.keras"
    metric = METRICS["balanced_accuracy"]
    inputs = TrainingInputs(Trial(0, params, seed, epochs), data, metric, "float32", file, metadata)
    architecture = FAMILIES["plain"].build(params, data.shape, len(data.classes))
    TrainTask(inputs, architecture, Recipe.from_params(params)).run(lambda report: Decision.CONTINUE)
    right = predict_dataset(RunnableModel(file), data, data.test).argmax(axis=1) == data.labels[data.test]
    recalls = [float(right[data.labels[data.test] == label].mean()) for label in range(len(data.classes))]
    half = len(recalls) // 2
    return {
        "balanced_accuracy": float(np.mean(recalls)),
        "recall_frequent": float(np.mean(recalls[:half])),
        "recall_rare": float(np.mean(recalls[half:])),
    }


def main() -> None:
    """Prints the scores of each training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        images = Path(temporary) / "images"
        write_folder(args.folder, images)
        scores: dict[str, list[dict[str, float]]] = {name: [] for name in CLASS_WEIGHTS}
        for seed in range(args.seeds):
            data = load(str(images), seed=seed, fetch=lambda name, folder: None)
            for name in CLASS_WEIGHTS:
                scores[name].append(train(data, name, seed, args.epochs, Path(temporary)))
                print(f"seed {seed}  {name:8}", {key: round(value, 3) for key, value in scores[name][-1].items()})
    if args.keep:
        keep({"seeds": args.seeds, "epochs": args.epochs, "scores": scores})


if __name__ == "__main__":
    main()
