"""Finding people before they are validated, and the results that were found before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from spinepose.cli.console import Console
from spinepose.cli.validate.wanted import RESULTS
from spinepose.errors import UsageError
from spinepose.inference.settings import Settings

if TYPE_CHECKING:
    from spinepose.inference import SpinePoseEstimator
    from spinepose.media import Source
    from spinepose.multiview import View

__all__ = ["find_views", "look_through", "video_of"]


def find_views(
    inputs: Sequence[str], folder: Path, settings: Settings, console: Console
) -> list[View]:
    """Return what each camera saw; videos are looked through first, and what is found is kept."""
    from spinepose.media import resolve_sources
    from spinepose.multiview import read_view

    media = [text for text in inputs if Path(text).suffix.lower() not in RESULTS]
    for text in media:
        if [source.kind for source in resolve_sources([text])] != ["video"]:
            raise UsageError(f"{text} is not one video: name one for each camera")
    found = iter(look_through(media, folder, settings, console) if media else [])
    return [read_view(next(found) if text in media else text) for text in inputs]


def video_of(view: View, result: str) -> Path | None:
    """Return the video of a view, where it was or beside its results; `None` if it is gone."""
    if view.source is None:
        return None
    named = Path(view.source)
    places = (named, Path(result).parent / named.name, Path(result).parent.parent / named.name)
    return next((path for path in places if path.is_file()), None)


def look_through(
    inputs: Sequence[str], folder: Path, settings: Settings, console: Console
) -> list[Path]:
    """Find people in pictures and videos; return the files of results."""
    from spinepose.inference import SpinePoseEstimator, infer_image
    from spinepose.media import resolve_sources

    # Frames must not be mixed before each is judged by itself.
    settings = replace(settings, keypoints="all", smooth="none")
    written = []
    with SpinePoseEstimator(settings=settings) as estimator:
        for source in resolve_sources(inputs):
            if source.kind == "image":
                target = folder / f"{source.name}.json"
                infer_image(_whole(source), save_path=target, estimator=estimator)
            else:
                target = folder / f"{source.name}.jsonl"
                _look_through_video(source, target, estimator, settings, console)
            written.append(target)
    return written


def _look_through_video(
    source: Source,
    target: Path,
    estimator: SpinePoseEstimator,
    settings: Settings,
    console: Console,
) -> None:
    from spinepose.inference import Outputs, process_video

    with console.progress(source.name) as bar:
        process_video(
            _whole(source),
            Outputs(data=target),
            estimator,
            settings,
            on_start=lambda summary: bar.start(summary.expected_frames),
            on_frame=lambda _: bar.advance(),
        )


def _whole(source: Source) -> str:
    """Return the whole path of a file, for results are read from other folders, too."""
    return source.location if source.path is None else str(source.path.resolve())
