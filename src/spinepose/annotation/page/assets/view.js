// The picture with the person drawn on it, and the way between pixels of screen and picture.

import { ABSENT, HIDDEN } from "./labels.js";
import { curveThrough, distance } from "./spine.js";

const REACH = 14; // px of the screen
const MARGIN = 1.25; // of the box, when it fills the view
const CLOSEST = 40;
const DARK = "rgb(15 17 20 / .85)";
const AMBER = "#ffb000";
const CROSS = [[1, 0], [0, 1], [-1, 0], [0, -1]];

export class View {
  constructor(pictureCanvas, drawingCanvas, overview) {
    this.canvases = [pictureCanvas, drawingCanvas];
    [this.below, this.above] = this.canvases.map((canvas) => canvas.getContext("2d"));
    this.overview = overview;
    const spine = this.spine = new Set(overview.spine);
    this.colors = overview.keypoints.map((name, k) => overview.colors[
      spine.has(k) ? "spine" : /^(left|right)_/.exec(name)?.[1] ?? "head"]);
    this.bones = overview.bones.filter(([a, b]) => !(spine.has(a) && spine.has(b)));
    this.picture = null;
    this.stale = true; // what is below has to be drawn again
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvases[0].parentElement;
    for (const canvas of this.canvases) {
      canvas.width = clientWidth * devicePixelRatio;
      canvas.height = clientHeight * devicePixelRatio;
    }
    [this.width, this.height] = [clientWidth, clientHeight];
    this.stale = true;
  }

  clear() {
    this.picture = null;
    this.stale = true;
  }

  show(picture, box) {
    [this.picture, this.box] = [picture, box];
    this.fit();
  }

  fit() {
    this.stale = true;
    const [x1, y1, x2, y2] = this.box;
    const sides = [this.width / (x2 - x1), this.height / (y2 - y1)];
    this.scale = Math.min(CLOSEST, Math.min(...sides) / MARGIN);
    this.left = this.width / 2 - (this.scale * (x1 + x2)) / 2;
    this.top = this.height / 2 - (this.scale * (y1 + y2)) / 2;
  }

  zoom(factor, [x, y] = [this.width / 2, this.height / 2]) {
    const scale = Math.min(Math.max(this.scale * factor, 0.05), CLOSEST);
    this.left = x - ((x - this.left) * scale) / this.scale;
    this.top = y - ((y - this.top) * scale) / this.scale;
    this.scale = scale;
    this.stale = true;
  }

  pan(dx, dy) {
    this.stale = true;
    this.left += dx;
    this.top += dy;
  }

  // A keypoint (0, 0) is the middle of the first pixel, whose corner is the picture's.
  toScreen([x, y]) {
    return [this.left + (x + 0.5) * this.scale, this.top + (y + 0.5) * this.scale];
  }

  toPicture([x, y]) {
    return [(x - this.left) / this.scale - 0.5, (y - this.top) / this.scale - 0.5];
  }

  /** Which of the points, some of them null, is next to a place on the screen; -1 if none is. */
  nearest(points, place) {
    let [found, least] = [-1, REACH];
    points.forEach((point, k) => {
      const away = point ? distance(this.toScreen(point), place) : Infinity;
      if (away < least) [found, least] = [k, away];
    });
    return found;
  }

  /** `ui`: selected, hovered, dragging, bare (draw no person). */
  draw(labels, ui) {
    this.#clear(this.above);
    if (this.stale) this.#drawPicture();
    if (!this.picture) return;
    this.#drawBox();
    if (ui.bare || labels.state.rejected) return;
    const { hold } = labels.state;
    this.above.globalAlpha = hold ? 0.35 : 1;
    this.#drawBones(labels);
    labels.names.forEach((_, k) => { if (!this.spine.has(k)) this.#drawPoint(labels, k, ui); });
    this.above.globalAlpha = 1;
    this.#drawSpine(labels, hold);
    if (hold) this.#drawHandles(hold, ui);
    else for (const k of this.overview.spine) this.#drawPoint(labels, k, ui);
    if (!hold) this.#drawSelection(labels, ui);
  }

  #clear(context) {
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
  }

  #drawPicture() {
    this.#clear(this.below);
    this.stale = false;
    if (!this.picture) return;
    const { naturalWidth, naturalHeight } = this.picture;
    const [width, height] = [naturalWidth * this.scale, naturalHeight * this.scale];
    this.below.imageSmoothingEnabled = this.scale < 4;
    this.below.imageSmoothingQuality = "high";
    this.below.drawImage(this.picture, this.left, this.top, width, height);
  }

  #drawBox() {
    const corner = ([x, y]) => [this.left + x * this.scale, this.top + y * this.scale];
    const [[x1, y1], [x2, y2]] = [corner(this.box.slice(0, 2)), corner(this.box.slice(2))];
    const context = this.above;
    context.beginPath();
    context.rect(0, 0, this.width, this.height);
    context.rect(x1, y1, x2 - x1, y2 - y1);
    context.fillStyle = "rgb(0 0 0 / .3)";
    context.fill("evenodd");
    context.setLineDash([6, 5]);
    context.lineWidth = 1;
    context.strokeStyle = "rgb(255 255 255 / .5)";
    context.strokeRect(x1, y1, x2 - x1, y2 - y1);
    context.setLineDash([]);
  }

  #line(points, color, width = 2.5) {
    const path = new Path2D();
    for (const point of points) path.lineTo(...this.toScreen(point));
    this.above.lineJoin = this.above.lineCap = "round";
    for (const [style, wide] of [[DARK, width + 2], [color, width]]) {
      this.above.strokeStyle = style;
      this.above.lineWidth = wide;
      this.above.stroke(path);
    }
  }

  #drawBones(labels) {
    for (const [a, b, part] of this.bones) {
      if (!labels.isPlaced(a) || !labels.isPlaced(b)) continue;
      this.#line([labels.state.points[a], labels.state.points[b]], this.overview.colors[part]);
    }
  }

  #drawSpine(labels, hold) {
    const placed = this.overview.spine.filter((k) => labels.isPlaced(k));
    const points = hold?.handles.filter(Boolean) ?? placed.map((k) => labels.state.points[k]);
    if (points.length > 1) this.#line(curveThrough(points), this.overview.colors.spine, 3);
    if (!hold) return;
    for (const k of placed) this.#dot(labels.state.points[k], 4, "#fff");
  }

  #dot(point, radius, fill, ring = DARK, dash = []) {
    const context = this.above;
    context.beginPath();
    context.arc(...this.toScreen(point), radius, 0, 2 * Math.PI);
    context.fillStyle = fill;
    context.fill();
    context.setLineDash(dash);
    context.lineWidth = 1.75;
    context.strokeStyle = ring;
    context.stroke();
    context.setLineDash([]);
  }

  #drawPoint(labels, k, ui) {
    const { points, seen } = labels.state;
    if (!labels.isPlaced(k) || (ui.dragging && ui.selected === k)) return;
    const hidden = seen[k] === HIDDEN;
    if (hidden) this.#dot(points[k], 5, DARK, this.colors[k], [3, 2]);
    else this.#dot(points[k], 5, this.colors[k]);
    const doubted = labels.isDoubted(k, this.overview.doubted);
    if (doubted) this.#dot(points[k], 9, "transparent", AMBER, [4, 3]);
  }

  #drawHandles({ handles }, ui) {
    handles.forEach((handle, k) => {
      if (!handle) return;
      const [x, y] = this.toScreen(handle);
      const side = k === ui.handle ? 10 : 8;
      const diamond = new Path2D();
      for (const [dx, dy] of CROSS) diamond.lineTo(x + side * dx, y + side * dy);
      diamond.closePath();
      this.above.fillStyle = k === ui.handle ? "#fff" : this.overview.colors.spine;
      this.above.fill(diamond);
      this.above.strokeStyle = DARK;
      this.above.lineWidth = 2;
      this.above.stroke(diamond);
    });
  }

  /** A cross that leaves the pixel itself free, and names. */
  #drawSelection(labels, ui) {
    const { points, seen } = labels.state;
    const { selected, hovered } = ui;
    if (points[selected] && seen[selected] !== ABSENT) {
      const [x, y] = this.toScreen(points[selected]);
      for (const [dx, dy] of CROSS) {
        const ends = [7, 17].map((r) => this.toPicture([x + r * dx, y + r * dy]));
        this.#line(ends, "#fff", 2);
      }
      if (!ui.dragging) this.#drawName(labels.names[selected], x, y);
    }
    if (hovered >= 0 && hovered !== selected) {
      this.#drawName(labels.names[hovered], ...this.toScreen(points[hovered]));
    }
  }

  #drawName(name, x, y) {
    const context = this.above;
    context.font = "600 12px system-ui, sans-serif";
    const text = name.replaceAll("_", " ");
    const width = context.measureText(text).width + 12;
    const left = Math.min(x + 14, this.width - width - 4);
    context.fillStyle = DARK;
    context.beginPath();
    context.roundRect(left, y - 30, width, 20, 5);
    context.fill();
    context.fillStyle = "#fff";
    context.fillText(text, left + 6, y - 16);
  }
}
