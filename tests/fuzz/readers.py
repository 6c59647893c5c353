"""Every reader of files: valid files, how they are changed, and what reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from neurodeploy.artifact import is_foreign
from neurodeploy.artifact import load as load_artifact
from neurodeploy.chip import load_chip
from neurodeploy.data.cifar import Cifar10
from neurodeploy.data.frames import by_time
from neurodeploy.data.images import ImageSet, idx_files
from neurodeploy.data.nmnist import NMnist
from neurodeploy.data.npz import load_npz
from neurodeploy.data.spec import DataSpec
from neurodeploy.frontends.netx import NetxConfig, open_net
from neurodeploy.frontends.nir import open_nir
from neurodeploy.frontends.onnx_ann import AnnConfig, open_ann
from neurodeploy.ir import from_text
from neurodeploy.sweep.store import Store
from neurodeploy.training import config, load_run, run_folder
from neurodeploy.training.recipes.recipe import load_recipe
from tests.frontends.nir.files import PLAIN
from tests.fuzz import containers, hdf5_files, protobuf, raw, seals, seeds, values
from tests.fuzz.raw import Mutation
from tests.fuzz.seeds import Case

IMAGES = ImageSet("images", "", "", (), None, idx_files("", "", "", ""))


@dataclass(frozen=True, slots=True)
class Reader:
    """`read` takes a folder; `within` are the mutations by ending of a file, beside those of any bytes."""

    seeds: Callable[[], list[Case]]
    read: Callable[[Path], object]
    within: dict[str, tuple[Mutation, ...]]
    seal: Callable[[Case], Case] = lambda case: case

    def mutate(self, case: Case, draw: Random) -> Case:
        """One to four changes of its files, damage last; often its digests are right."""
        case, changes = dict(case), list[tuple[str, Mutation]]()
        for _ in range(draw.choice((1, 1, 1, 2, 2, 4))):
            name = draw.choice(list(case))
            known = [m for ending, some in self.within.items() if name.endswith(ending) for m in some]
            changes.append((name, draw.choice([raw.mutate, *2 * known])))
        for name, change in sorted(changes, key=lambda one: one[1] is raw.mutate):
            case[name] = change(case[name], draw)
        return self.seal(case) if draw.random() < 0.75 else case


def _artifact(folder: Path) -> None:
    is_foreign(folder / "f.onnx")
    load_artifact(folder / "f.onnx")


def _ann(folder: Path) -> None:
    is_foreign(folder / "f.onnx")
    x = np.linspace(0, 1, 32, dtype=np.float32).reshape(2, 1, 4, 4)
    open_ann(folder / "f.onnx", None, AnnConfig(percentile="max", correct=0)).read(x, 2)


def _nir(folder: Path) -> None:
    open_nir(folder / "f.nir", None, PLAIN).read(None, None)


def _own_nir(folder: Path) -> None:
    open_nir(folder / "f.nir").read(None, None)


def _net(folder: Path) -> None:
    open_net(folder / "f.net", None, NetxConfig(input="binary")).read()


def _events(folder: Path) -> None:
    NMnist("nmnist", by_time).load(DataSpec("nmnist", str(folder), "test"), 3)


def _images(folder: Path) -> None:
    IMAGES.load(DataSpec("images", str(folder), "test"))


def _records(folder: Path) -> None:
    Cifar10().load(DataSpec("cifar10", str(folder), "test"))


def _graph(folder: Path) -> None:
    from_text((folder / "f.txt").read_bytes().decode("utf-8", "replace"))


def _run(folder: Path) -> None:
    _, info = load_run(folder)
    run_folder.read_metrics(folder, info)
    run_folder.read_tensors(folder, info, run_folder.OPTIMIZER)
    if info.interrupted:
        run_folder.read_interrupted(folder, info)


def _point(folder: Path) -> None:
    Store(seeds.DIGEST, folder).get(seeds.SETTING)


ZIP = {".npz": (containers.npz,)}
TOML = {".toml": (values.toml_text,)}
RUN = {
    ".json": (values.json_text,),
    ".jsonl": (values.json_lines,),
    ".safetensors": (containers.safetensors,),
}

READERS: dict[str, Reader] = {
    "artifact": Reader(
        seeds.artifacts, _artifact, {".onnx": (protobuf.mutate, seals.artifact_metadata)}, seals.artifact
    ),
    "nir": Reader(seeds.nir_files, _nir, {".nir": (hdf5_files.mutate,)}),
    "own-nir": Reader(seeds.own_nir_files, _own_nir, {".nir": (hdf5_files.mutate,)}),
    "net": Reader(seeds.net_files, _net, {".net": (hdf5_files.mutate,)}),
    "ann": Reader(seeds.ann_files, _ann, {".onnx": (protobuf.mutate,)}),
    "npz": Reader(seeds.npz_files, lambda folder: load_npz(folder / "f.npz", 4), ZIP),
    "events": Reader(seeds.event_files, _events, ZIP),
    "images": Reader(seeds.image_files, _images, {".gz": (containers.gzipped,)}),
    "records": Reader(seeds.record_files, _records, ZIP),
    "chip": Reader(seeds.chip_files, lambda folder: load_chip(str(folder / "f.toml")), TOML),
    "recipe": Reader(seeds.recipe_files, lambda folder: load_recipe(str(folder / "f.toml")), TOML),
    "config": Reader(seeds.config_files, lambda folder: config.read_config(folder / "f.toml"), TOML),
    "graph": Reader(seeds.graph_texts, _graph, {}),
    "run": Reader(seeds.run_folders, _run, RUN, seals.run_folder),
    "point": Reader(seeds.point_files, _point, {".json": (values.json_text,)}),
}
