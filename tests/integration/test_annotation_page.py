"""The page for correcting keypoints, in a real browser."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from spinepose.annotation.page import PageServer, serve
from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT, HIDDEN, SEEN, Correction
from spinepose.draw.curves import smooth_curve
from spinepose.skeleton import SPINETRACK
from tests.unit.annotation.page_project import BOX, DOUBTED, guessed_points, write_project

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright and a browser")

Place = tuple[float, float]
GUESS = guessed_points()
GUESS[SPINETRACK.index("left_heel")] = np.nan  # outside of the picture, and so not shown


def at(name: str, right: float = 0, down: float = 0) -> np.ndarray:
    """Return a place (2,) beside a guessed keypoint, px."""
    return GUESS[SPINETRACK.index(name)] + np.array([right, down])


_PATIENCE_MS = 30_000
"""A busy machine is no fault of the page."""


def find_browser(chromium: Any) -> str:
    """Return a browser's path: SPINEPOSE_CHROMIUM, playwright's own, or the system's."""
    asked = os.environ.get("SPINEPOSE_CHROMIUM")
    found = asked or shutil.which("chromium") or shutil.which("google-chrome")
    if asked or os.path.exists(chromium.executable_path):
        found = asked or chromium.executable_path
    if not found:
        pytest.skip("no browser: playwright install chromium, or SPINEPOSE_CHROMIUM=path")
    return found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        path = find_browser(running.chromium)
        # As root a browser has no sandbox; it opens nothing but our own page.
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        playwright.expect.set_options(timeout=_PATIENCE_MS)
        # One for all tests: every server has a port, and so a storage, of its own.
        yield browser.new_context(viewport={"width": 1280, "height": 800})
        browser.close()


class Desk:
    """A window with the page, and hands."""

    def __init__(self, page: Any, project: Project) -> None:
        self.page, self.project = page, project

    def open(self, url: str, item: str = "aaa") -> None:
        self.page.goto(url)
        self.wait_for_item(item)

    def wait_for(self, place: str, pattern: str) -> None:
        playwright.expect(self.page.locator(place)).to_have_text(re.compile(pattern))

    def wait_for_item(self, item: str) -> None:
        """Wait until an item can be corrected."""
        drawing = self.page.locator("#drawing")
        playwright.expect(drawing).to_have_attribute("data-item", item)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def screen(self, point: Any) -> Place:
        """Return where on the screen a place (2,) of the picture is while the person fits it."""
        stage = self.page.locator("#stage").bounding_box()
        x1, y1, x2, y2 = BOX
        scale = min(stage["width"] / (x2 - x1), stage["height"] / (y2 - y1)) / 1.25
        left = stage["x"] + stage["width"] / 2 - scale * (x1 + x2) / 2
        top = stage["y"] + stage["height"] / 2 - scale * (y1 + y2) / 2
        return left + scale * (point[0] + 0.5), top + scale * (point[1] + 0.5)

    def drag(self, start: Any, end: Any) -> None:
        mouse = self.page.mouse
        mouse.move(*self.screen(start))
        mouse.down()
        mouse.move(*self.screen((np.asarray(start) + end) / 2), steps=2)
        mouse.move(*self.screen(end))
        mouse.up()

    def select(self, name: str) -> None:
        self.page.locator(f"button[title='{name}']").click()

    def wait_for_selected(self, name: str) -> None:
        chosen = self.page.locator("[aria-current=true]")
        playwright.expect(chosen).to_have_attribute("title", name)

    def wait_for_drawing(self) -> None:
        """Wait until what was done is drawn."""
        frame = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        self.page.evaluate(f"async () => {{ await {frame}; }}")

    def shows(self, place: str) -> bool:
        self.wait_for_drawing()
        return bool(self.page.is_visible(place))

    def saved(self, number: int = 1, item: str = "aaa") -> Correction:
        """Return what was saved last about an item once it was saved so many times."""
        for _ in range(400):
            lines = [c for c in self.project.history("anna") if c.item == item]
            if len(lines) >= number:
                assert len(lines) == number
                return lines[-1]
            self.page.wait_for_timeout(20)
        raise AssertionError(f"{item} was saved {len(lines)} times")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return write_project(tmp_path / "project")


@pytest.fixture
def server(project: Project) -> Iterator[PageServer]:
    with serve(project, "anna") as running:
        yield running


@pytest.fixture
def new_desk(chromium: Any, project: Project) -> Iterator[Callable[[], Desk]]:
    """Make windows of one browser, in which no script may fail and nothing from outside load."""
    wrong: list[str] = []
    pages: list[Any] = []

    def make() -> Desk:
        page = chromium.new_page()
        pages.append(page)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: note(request.url))
        page.on("console", lambda line: wrong.append(line.text) if is_wrong(line) else None)
        return Desk(page, project)

    def note(url: str) -> None:
        if urlsplit(url).hostname != "127.0.0.1":
            wrong.append(url)

    def is_wrong(line: Any) -> bool:
        # What the server refuses is not the page's fault.
        return line.type == "error" and not line.text.startswith("Failed to load resource")

    yield make
    for page in pages:
        page.close()
    assert wrong == []


@pytest.fixture
def desk(new_desk: Callable[[], Desk], server: PageServer) -> Desk:
    made = new_desk()
    made.open(server.url)
    return made


def others(*names: str) -> np.ndarray:
    """Return the indices of guessed keypoints that are not among these."""
    known = np.flatnonzero(np.isfinite(GUESS[:, 0]))
    return np.setdiff1d(known, SPINETRACK.indices(names))


def test_drag_a_keypoint_and_go_on(desk: Desk) -> None:
    assert desk.page.inner_text("#reason") == "unsure"
    desk.wait_for_selected(DOUBTED)
    desk.drag(at("left_knee"), at("left_knee", 12, -9))
    desk.wait_for_selected("left_knee")
    desk.press("Enter")
    desk.wait_for("#count", "^2 / 3 · 1 done")
    desk.wait_for("#status", "^Saved$")
    saved = desk.saved()
    knee = SPINETRACK.index("left_knee")
    np.testing.assert_allclose(saved.keypoints[knee], at("left_knee", 12, -9), atol=0.3)
    np.testing.assert_array_equal(saved.keypoints[others("left_knee")], GUESS[others("left_knee")])
    assert np.flatnonzero(saved.moved).tolist() == [knee]
    assert (saved.visibility == np.where(np.isfinite(GUESS[:, 0]), SEEN, ABSENT)).all()
    assert saved.round == 0
    assert 0 < saved.seconds < 60
    assert not saved.rejected


def test_a_click_moves_nothing(desk: Desk) -> None:
    x, y = desk.screen(at("left_knee", 2, 1))
    desk.page.mouse.click(x, y)
    desk.wait_for_selected("left_knee")
    desk.press("Enter")
    assert not desk.saved().moved.any()


def test_everything_by_keyboard(desk: Desk) -> None:
    desk.select("neck_03")
    desk.press("Tab", "Tab", "Shift+Tab")
    desk.wait_for_selected("neck_02")
    desk.press("ArrowRight", "ArrowRight", "Shift+ArrowDown", "ArrowUp", "h")
    desk.select("left_ankle")
    desk.press("x")
    desk.select("right_ankle")
    desk.press("Shift+ArrowLeft", "x", "z", "z", "y", "Enter")
    saved = desk.saved()
    moved, gone, kept = SPINETRACK.indices(["neck_02", "left_ankle", "right_ankle"])
    assert saved.keypoints[moved].tolist() == (at("neck_02", 2, 9)).tolist()
    assert saved.visibility[moved] == HIDDEN
    assert saved.visibility[gone] == ABSENT
    assert saved.keypoints[kept].tolist() == (at("right_ankle", -10)).tolist()
    assert saved.visibility[kept] == SEEN
    assert np.flatnonzero(saved.moved).tolist() == sorted([moved, gone, kept])


def test_what_is_absent_is_placed_by_clicks_one_after_the_other(desk: Desk) -> None:
    desk.select("left_elbow")
    desk.page.mouse.click(*desk.screen((215, 150)))
    desk.wait_for_selected("right_elbow")
    desk.page.mouse.click(*desk.screen((105, 150)))
    desk.press("Enter")
    left, right = SPINETRACK.indices(["left_elbow", "right_elbow"])
    saved = desk.saved()
    np.testing.assert_allclose(saved.keypoints[[left, right]], [[215, 150], [105, 150]], atol=0.3)
    assert saved.visibility[[left, right]].tolist() == [SEEN, SEEN]


def test_bend_the_spine(desk: Desk) -> None:
    desk.press("s")
    assert desk.shows("#mode")
    to = at("spine_02", -30, 5)
    desk.drag(at("spine_02"), to)
    desk.press("s", "Enter")
    saved = desk.saved()
    spine = saved.keypoints[SPINETRACK.spine_indices]
    handles = [at("neck_03"), at("neck"), at("spine_04"), to, at("hip")]
    curve = smooth_curve(handles, steps=200)
    away = np.linalg.norm(spine[:, None] - curve, axis=-1).min(axis=1)
    assert away.max() < 0.6
    # Ends and C7 stay, and the others are as far along the way as they were.
    np.testing.assert_allclose(spine[[0, 2, 8]], [at("neck_03"), at("neck"), at("hip")], atol=0.01)
    for part in (slice(0, 3), slice(2, 9)):
        np.testing.assert_allclose(
            shares(spine[part]), shares(GUESS[SPINETRACK.spine_indices][part]), atol=0.02
        )
    still = others(*SPINETRACK.spine)
    np.testing.assert_array_equal(saved.keypoints[still], GUESS[still])


def test_bend_the_spine_by_keyboard_and_spread_the_vertebrae(desk: Desk) -> None:
    desk.press("s", "Tab", "Tab", *["Shift+ArrowRight"] * 2, "a", "s", "Enter")
    spine = desk.saved().keypoints[SPINETRACK.spine_indices]
    handles = [at("neck_03"), at("neck"), at("spine_04", 20, 0), at("spine_02"), at("hip")]
    away = np.linalg.norm(spine[:, None] - smooth_curve(handles, steps=200), axis=-1).min(axis=1)
    assert away.max() < 0.2
    anatomy = [0.0, 0.119, 0.335, 0.576, 0.737, 0.875, 1.0]
    np.testing.assert_allclose(shares(spine[2:]), anatomy, atol=0.02)


def shares(points: np.ndarray) -> np.ndarray:
    way = np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))
    return np.concatenate([[0.0], way / way[-1]])


def test_the_curve_needs_both_ends_and_is_undone(desk: Desk) -> None:
    desk.select("hip")
    desk.press("x", "s")
    assert "place C7 (neck) and the sacrum" in desk.page.inner_text("#toast")
    assert not desk.shows("#mode")
    desk.press("z", "s", "Tab", "ArrowLeft", "z", "s", "Enter")
    assert not desk.saved().moved.any()


def test_the_same_curve_as_in_drawings(desk: Desk) -> None:
    points = [[160.0, 70.0], [163.0, 92.0], [172.0, 130.0], [120.0, 178.0], [160.0, 210.0]]
    script = "async (points) => (await import('./spine.js')).curveThrough(points)"
    found = np.array(desk.page.evaluate(script, points))
    np.testing.assert_allclose(found, smooth_curve(points, steps=24), atol=1e-9)


def test_left_and_right_are_swapped(desk: Desk) -> None:
    desk.press("f", "Enter")
    flipped = desk.saved()
    np.testing.assert_array_equal(flipped.keypoints, GUESS[SPINETRACK.flip])
    desk.wait_for_item("bbb")
    desk.press("l", "Enter")
    legs = desk.saved(item="bbb").keypoints
    ours = SPINETRACK.indices(["left_knee", "right_hip", "left_shoulder"])
    expected = [at("right_knee"), at("left_hip"), at("left_shoulder")]
    np.testing.assert_array_equal(legs[ours], expected)


def test_reject_and_take_back(desk: Desk) -> None:
    desk.press("r")
    assert desk.shows("#rejected")
    desk.press("Enter")
    assert desk.saved().rejected
    desk.wait_for_item("bbb")
    desk.press("b")
    desk.wait_for_item("aaa")
    assert desk.shows("#rejected")
    desk.press("r", "Enter")
    assert not desk.saved(2).rejected


def test_flipping_through_saves_what_was_changed_and_nothing_else(
    desk: Desk, server: PageServer
) -> None:
    desk.press("n")
    desk.wait_for_item("bbb")
    desk.press("ArrowRight", "n")
    desk.wait_for_item("ccc")
    desk.press("b")
    desk.wait_for_item("bbb")
    first = desk.saved(item="bbb")
    # The place is kept when the page is loaded again, and so is the work.
    desk.page.reload()
    desk.wait_for_item("bbb")
    desk.wait_for("#count", "^2 / 3 · 1 done")
    desk.select(DOUBTED)
    desk.press("ArrowRight", "n")
    saved = desk.saved(2, item="bbb")
    doubted = SPINETRACK.index(DOUBTED)
    assert saved.keypoints[doubted].tolist() == at(DOUBTED, 2).tolist()
    assert np.flatnonzero(saved.moved).tolist() == [doubted]
    assert saved.seconds >= first.seconds
    assert set(desk.project.corrections("anna")) == {"bbb"}


def test_zoom_and_pan(desk: Desk) -> None:
    place = desk.screen(at("left_knee"))
    desk.page.mouse.move(*place)
    desk.page.mouse.wheel(0, -600)
    desk.wait_for_drawing()
    # What was under the pointer still is, and a pixel of the screen is less than before.
    desk.page.mouse.down()
    desk.page.mouse.move(place[0] + 20, place[1], steps=4)
    desk.page.mouse.up()
    # Off the person: pan there and back.
    desk.page.mouse.move(200, 700)
    desk.page.mouse.down(button="right")
    desk.page.mouse.move(300, 650, steps=3)
    desk.page.mouse.up(button="right")
    desk.press("0")
    desk.drag(at("right_knee"), at("right_knee", 0, 8))
    desk.press("Enter")
    saved = desk.saved()
    left, right = SPINETRACK.indices(["left_knee", "right_knee"])
    assert 2 < saved.keypoints[left, 0] - at("left_knee")[0] < 7
    np.testing.assert_allclose(saved.keypoints[right], at("right_knee", 0, 8), atol=0.3)
    assert np.flatnonzero(saved.moved).tolist() == sorted([left, right])


def test_points_stay_in_the_picture(desk: Desk) -> None:
    desk.select("left_ankle")
    desk.press(*["Shift+ArrowDown"] * 6, "Enter")
    assert desk.saved().keypoints[SPINETRACK.index("left_ankle"), 1] == 399.5


def test_help_light_and_a_bare_look(desk: Desk) -> None:
    desk.press("?")
    assert desk.shows("#help")
    desk.press("x", "Enter")  # closes it, and means nothing else
    assert not desk.shows("#help")
    assert desk.page.locator("#picture").get_attribute("data-light") == "0"
    desk.press("d")
    desk.page.wait_for_selector("#picture[data-light='1']")

    def ink() -> int:
        # Of what is drawn over the picture: opaque pixels.
        script = """() => { const c = document.getElementById("drawing");
            const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
            return data.filter((value, k) => k % 4 === 3 && value > 200).length; }"""
        desk.wait_for_drawing()
        return int(desk.page.evaluate(script))

    drawn = ink()
    desk.page.keyboard.down("v")
    assert ink() < drawn / 10
    desk.page.keyboard.up("v")
    assert ink() == drawn
    desk.press("Enter")
    assert not desk.saved().moved.any()


def test_two_windows_of_one_annotator(
    desk: Desk, new_desk: Callable[[], Desk], server: PageServer
) -> None:
    other = new_desk()
    other.open(server.url)
    desk.press("r", "Enter")
    desk.saved()
    other.press("Enter")
    assert not desk.saved(2).rejected
    other.wait_for("#toast", "saved from another window meanwhile")


def test_work_is_kept_while_the_server_is_not_reached(desk: Desk) -> None:
    place = "**/api/items/**"
    desk.page.route(place, lambda route: route.abort())
    desk.select("hip")
    desk.press("ArrowLeft", "Enter")
    desk.wait_for("#status", "^Server not reached: 1 item is kept")
    desk.wait_for("#toast", "^The server is not reached: this item cannot be shown")
    assert desk.project.annotators() == []
    desk.page.unroute(place)
    desk.wait_for("#status", "^Saved$")
    assert desk.saved().keypoints[SPINETRACK.index("hip"), 0] == at("hip")[0] - 1
    assert desk.page.evaluate("localStorage.length") == 0


def test_work_is_found_by_the_next_server(project: Project, new_desk: Callable[[], Desk]) -> None:
    desk = new_desk()
    with serve(project, "anna") as server:
        port = urlsplit(server.url).port
        desk.open(server.url)
        desk.select("hip")
        desk.press("ArrowLeft")
    # The window is shut in the middle of an item, long after the server went.
    desk.page.goto("about:blank")
    assert project.annotators() == []
    assert port
    with serve(project, "anna", port=port) as server:
        desk.open(server.url, "bbb")
        assert desk.saved().keypoints[SPINETRACK.index("hip"), 0] == at("hip")[0] - 1
        desk.wait_for("#count", "1 done")


def test_older_work_does_not_replace_newer(desk: Desk) -> None:
    desk.press("f")
    kept = desk.page.evaluate("Object.entries(localStorage)[0]")
    desk.press("z", "r", "Enter")
    assert desk.saved().rejected
    desk.wait_for("#status", "^Saved$")
    # As after a crash of another window that had the item before it was rejected.
    desk.page.evaluate("([key, value]) => localStorage.setItem(key, value)", kept)
    desk.page.reload()
    desk.wait_for_item("bbb")
    desk.wait_for("#count", "1 done")
    assert desk.page.evaluate("localStorage.length") == 0
    assert desk.saved().rejected


def test_a_second_pass_starts_from_the_guess(
    project: Project, new_desk: Callable[[], Desk]
) -> None:
    with serve(project, "anna") as server:
        desk = new_desk()
        desk.open(server.url)
        desk.press("f", "Enter")
        desk.saved()
    with serve(project, "anna", blind=True) as server:
        desk.open(server.url)
        assert desk.shows("#blind")
        desk.press("Enter")
        assert not desk.saved(2).moved.any()


def test_the_end_of_the_queue(desk: Desk) -> None:
    desk.press("n")
    desk.wait_for_item("bbb")
    desk.press("Enter")
    desk.wait_for_item("ccc")
    desk.press("Enter")
    desk.wait_for("#toast", "That was the last item; 1 are still open")
    desk.wait_for_item("ccc")
    desk.press("u")
    desk.wait_for_item("aaa")
    desk.press("r", "Enter")
    desk.wait_for_item("bbb")
    desk.wait_for("#count", "^2 / 3 · 3 done")
    desk.press("u")
    desk.wait_for("#toast", "No other item is open")


def test_a_changed_picture_is_told(desk: Desk) -> None:
    path = desk.project.root / "pictures" / "2.png"
    path.write_bytes(path.read_bytes() + b"\0")
    desk.press("n")
    desk.wait_for_item("bbb")
    desk.press("n")
    desk.wait_for("#toast", "has changed since it was added")
    desk.press("Enter", "x", "h", "s", "b")  # what cannot be done does no harm
    desk.wait_for_item("bbb")
    assert desk.project.annotators() == []


def test_texts_are_no_markup(tmp_path: Path, new_desk: Callable[[], Desk]) -> None:
    text = "<img src=x onerror=\"document.title='bad'\">"
    project = write_project(tmp_path / "hostile", [text, "b/../c", "d#e?f"], [text] * 3)
    with serve(project, "anna") as server:
        desk = new_desk()
        desk.project = project
        desk.open(server.url, text)
        assert desk.page.inner_text("#reason") == text
        assert desk.page.title().startswith("SpinePose")
        desk.press("Enter")
        assert not desk.saved(item=text).rejected


def test_everything_fits_on_a_small_laptop(desk: Desk) -> None:
    script = "() => [document.body.scrollWidth, document.body.scrollHeight]"
    assert desk.page.evaluate(script) == [1280, 800]
    sides = desk.page.evaluate(
        "() => [...document.querySelectorAll('button[data-key], aside *')]"
        ".map((e) => e.getBoundingClientRect()).map((r) => [r.right, r.bottom])"
    )
    assert (np.array(sides) <= [1280, 800]).all()
