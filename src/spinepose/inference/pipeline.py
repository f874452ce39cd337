"""The main road: pixels -> people -> keypoints -> tracks -> files and pictures."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinepose.errors import InputError, UsageError
from spinepose.inference.estimator import ImageLike, SpinePoseEstimator
from spinepose.inference.results import Outputs, VideoSummary
from spinepose.inference.settings import Settings
from spinepose.inference.sinks import (
    Drawing,
    JsonSink,
    OpenPoseSink,
    Sink,
    VideoSink,
    close_all,
)
from spinepose.inference.threads import Worker, prefetch
from spinepose.inference.tracker import PoseTracker
from spinepose.poses import Poses

if TYPE_CHECKING:
    from spinepose.export import Provenance
    from spinepose.media import Frame, VideoReader

__all__ = ["infer_image", "infer_video", "process_video", "stream"]

PathLike = str | Path


def infer_image(
    input_path: ImageLike,
    output_path: PathLike | None = None,
    *,
    save_path: PathLike | None = None,
    vis_path: PathLike | None = None,
    spine_only: bool = False,
    include_experimental: bool = False,
    estimator: SpinePoseEstimator | None = None,
    **options: Any,
) -> Poses:
    """Find people in one image; draw them and write them down where asked.

    Parameters
    ----------
    input_path
        A path, a BGR array or a PIL image.
    output_path
        Picture to write; nothing is written by default. `vis_path` is version 2's name.
    save_path
        JSON file to write.
    spine_only, include_experimental
        Show 9 or 37 keypoints instead of 33.
    estimator
        One to use again; by default one is made from the options.
    **options
        Fields of :class:`Settings`, such as ``mode="medium"``.

    Returns
    -------
    poses : Poses
        The people with the keypoints that were asked for.

    Raises
    ------
    InputError, ModelError, ProviderError, OutputError
        See :mod:`spinepose.errors`.
    """
    from spinepose.media import as_rgb

    estimator, settings = _prepare(estimator, spine_only, include_experimental, options)
    rgb = as_rgb(input_path)
    poses = estimator.infer_rgb(rgb).subset(settings.subset)
    target = output_path if output_path is not None else vis_path
    if target is not None:
        from spinepose.draw import draw_poses
        from spinepose.media import write_image

        write_image(Path(target), draw_poses(rgb, poses, threshold=settings.threshold))
    if save_path is not None:
        from spinepose.export import write_image_document

        name = str(input_path) if isinstance(input_path, str | Path) else "array"
        still = replace(settings, smooth="none")
        write_image_document(Path(save_path), poses, _provenance(estimator, still, name))
    return poses


def infer_video(
    input_path: PathLike,
    output_path: PathLike | None = None,
    *,
    use_smoothing: bool = True,
    save_path: PathLike | None = None,
    vis_path: PathLike | None = None,
    spine_only: bool = False,
    include_experimental: bool = False,
    estimator: SpinePoseEstimator | None = None,
    **options: Any,
) -> list[Poses]:
    """Track people through a video; draw them and write them down where asked.

    Parameters
    ----------
    input_path
        A video file or the URL of a stream.
    output_path
        Video to write, with the input's size, rate and length; nothing is written by default.
        `vis_path` is version 2's name.
    use_smoothing
        Smooth the keypoints over time, without lag.
    save_path
        ``.json`` or ``.jsonl`` file to write.
    spine_only, include_experimental, estimator, **options
        As for :func:`infer_image`.

    Returns
    -------
    poses : list of Poses
        One entry a frame. For videos of hours, :func:`stream` does not hold them all.

    Raises
    ------
    InputError, ModelError, ProviderError, OutputError
        See :mod:`spinepose.errors`.
    """
    if not use_smoothing:
        options["smooth"] = "none"
    estimator, settings = _prepare(estimator, spine_only, include_experimental, options)
    target = output_path if output_path is not None else vis_path
    outputs = Outputs(
        visual=None if target is None else Path(target),
        data=None if save_path is None else Path(save_path),
    )
    kept: list[Poses] = []
    process_video(input_path, outputs, estimator, settings, on_frame=kept.append)
    return kept


def stream(
    source: PathLike | int,
    *,
    estimator: SpinePoseEstimator | None = None,
    spine_only: bool = False,
    include_experimental: bool = False,
    **options: Any,
) -> Generator[Poses]:
    """Yield the tracked people of every frame of a video, stream or camera, as they come.

    Parameters
    ----------
    source
        A video file, a URL, a camera index or ``"webcam"``.
    estimator, spine_only, include_experimental, **options
        As for :func:`infer_image`.

    Yields
    ------
    poses : Poses
        One a frame, in order, with ids, frame number and time. From files they come up to 0.9 s
        of video late, because the zero-phase filter looks ahead; memory stays flat.

    Examples
    --------
    >>> import spinepose
    >>> for poses in spinepose.stream("examples/walk.mp4", spine_only=True):
    ...     print(poses.frame, poses.keypoints.shape[1])
    ...     break
    0 9
    """
    estimator, settings = _prepare(estimator, spine_only, include_experimental, options)
    with (
        open_video(source) as reader,
        closing(_road(reader, estimator, settings, live=reader.live)) as road,
    ):
        for item in road:
            yield item.poses


def process_video(
    source: PathLike | int,
    outputs: Outputs,
    estimator: SpinePoseEstimator,
    settings: Settings,
    *,
    on_start: Callable[[VideoSummary], None] = lambda _: None,
    on_frame: Callable[[Poses], None] = lambda _: None,
    stop: Callable[[float], bool] = lambda _: False,
) -> VideoSummary:
    """Run a video from the source to its files, in three overlapping threads.

    Parameters
    ----------
    source
        A video file, a URL, a camera index or ``"webcam"``.
    outputs
        What to write.
    estimator, settings
        How to look.
    on_start
        Called once with the summary before the first frame (for the number of frames to come).
    on_frame
        Called with the people of every finished frame, in the calling thread.
    stop
        Asked with the time in seconds of every frame that comes in; at the first `True` the
        frames before it are finished and the files closed.

    Returns
    -------
    summary : VideoSummary
        With `complete` = the source was seen to its end.

    Raises
    ------
    InputError, OutputError
        See :mod:`spinepose.errors`. Whatever is raised, the files are closed first and hold
        everything up to the last finished frame.
    """
    summary = VideoSummary()
    with open_video(source) as reader:
        summary.expected_frames = reader.info.frames
        on_start(summary)
        sinks = _open_sinks(reader, outputs, estimator, settings, str(source))
        try:
            road = _road(
                _until(reader, stop, summary),
                estimator,
                settings,
                live=reader.live,
                with_images=any(sink.needs_image for sink in sinks),
            )
            with Worker[Drawing](lambda item: _write(sinks, item)) as worker, closing(road):
                for item in road:
                    worker.put(item)
                    summary.add(item.poses)
                    on_frame(item.poses)
            summary.truncated = reader.truncated
            summary.complete = not (summary.truncated or summary.stopped)
        finally:
            close_all(sinks, complete=summary.complete)
    return summary


def _until(
    frames: Iterable[Frame], stop: Callable[[float], bool], summary: VideoSummary
) -> Generator[Frame]:
    """Pass frames on until somebody says stop, and note that in the summary."""
    for frame in frames:
        if stop(frame.time_s):
            summary.stopped = True
            return
        yield frame


def open_video(source: PathLike | int) -> VideoReader:
    """Open a video file, stream or camera."""
    from spinepose.media import VideoReader, resolve_sources

    [found] = resolve_sources([str(source)])
    if found.kind == "image":
        raise InputError(f"{source} is an image, not a video: use infer_image")
    return VideoReader(found.location, live=found.kind != "video")


def _provenance(estimator: SpinePoseEstimator, settings: Settings, source: str) -> Provenance:
    """Return who made a result: versions, weights, thresholds, filter."""
    from spinepose.export import ModelTrace, Provenance

    cards = (estimator.pose_model.card, estimator.detector.card)
    return Provenance(
        source=source,
        models=tuple(ModelTrace(c.id, c.version, c.task, c.sha256) for c in cards),
        provider=estimator.pose_model.session.provider,
        settings=asdict(settings),
    )


def _prepare(
    estimator: SpinePoseEstimator | None,
    spine_only: bool,
    include_experimental: bool,
    options: dict[str, Any],
) -> tuple[SpinePoseEstimator, Settings]:
    """Return the estimator to use and the settings of this call."""
    if spine_only and include_experimental:
        raise UsageError("spine_only and include_experimental exclude each other: choose one")
    if spine_only or include_experimental:
        options = options | {"keypoints": "spine" if spine_only else "all"}
    if estimator is None:
        estimator = SpinePoseEstimator(**options)
        return estimator, estimator.settings
    return estimator, replace(estimator.settings, **options)


def _road(
    frames: Iterable[Frame],
    estimator: SpinePoseEstimator,
    settings: Settings,
    *,
    live: bool,
    with_images: bool = False,
) -> Generator[Drawing]:
    """Yield frames with smoothed, tracked people."""
    settings = _decided(settings, live)
    tracker = PoseTracker(estimator, settings=settings, smoothing=settings.smooth == "one-euro")
    with closing(prefetch(frames)) as ahead:
        items = _tracked(ahead, tracker, with_images)
        if settings.smooth == "butterworth":
            items = _smoothed(items, settings.cutoff_hz)
        for item in items:
            yield replace(item, poses=item.poses.subset(settings.subset))


def _decided(settings: Settings, live: bool) -> Settings:
    """Return settings that say which filter `auto` stands for."""
    if settings.smooth != "auto":
        return settings
    return replace(settings, smooth="one-euro" if live else "butterworth")


def _tracked(
    frames: Iterable[Frame], tracker: PoseTracker, with_images: bool
) -> Generator[Drawing]:
    """Follow people from frame to frame."""
    for frame in frames:
        poses = tracker.step(frame.image, frame=frame.index, time_s=frame.time_s)
        yield Drawing(poses, frame.image if with_images else None, frame.pts)


def _smoothed(items: Iterable[Drawing], cutoff_hz: float) -> Generator[Drawing]:
    """Filter without lag: frames wait while the filter looks ahead."""
    from spinepose.inference.filters import OfflineSmoother

    smoother = OfflineSmoother(cutoff_hz=cutoff_hz)
    waiting: deque[Drawing] = deque()
    for item in items:
        waiting.append(item)
        for poses in smoother.push(item.poses):
            yield replace(waiting.popleft(), poses=poses)
    for poses in smoother.flush():
        yield replace(waiting.popleft(), poses=poses)


def _open_sinks(
    reader: VideoReader,
    outputs: Outputs,
    estimator: SpinePoseEstimator,
    settings: Settings,
    source: str,
) -> list[Sink]:
    """Open everything that is to be written; nothing stays open when one of them fails."""
    sinks: list[Sink] = []
    size = (reader.info.width, reader.info.height)
    empty = Poses.empty(estimator.pose_model.card.skeleton, size=size).subset(settings.subset)
    try:
        if outputs.visual is not None:
            sound = None if reader.live or not Path(source).is_file() else Path(source)
            sinks.append(VideoSink(outputs.visual, reader.info, settings.threshold, sound))
        if outputs.data is not None:
            made_by = _provenance(estimator, _decided(settings, reader.live), source)
            sinks.append(JsonSink(outputs.data, made_by, empty))
        if outputs.openpose is not None:
            sinks.append(OpenPoseSink(outputs.openpose, Path(source).stem))
    except BaseException:
        close_all(sinks, complete=False)
        raise
    return sinks


def _write(sinks: list[Sink], item: Drawing) -> None:
    for sink in sinks:
        sink.write(item)
