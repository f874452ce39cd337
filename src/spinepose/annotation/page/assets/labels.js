// What a person says about one item, step by step, so that every step can be taken back.

import { takeHold, vertebrae } from "./spine.js";

export const [ABSENT, HIDDEN, SEEN] = [0, 1, 2];

const SAME_STEP_MS = 800;
const LEGS = /^(left|right)_(hip|knee|ankle|heel|big_toe|small_toe)$/;

export class Labels {
  constructor(view, overview) {
    this.view = view;
    this.names = overview.keypoints;
    this.flip = overview.flip;
    this.curve = overview.curve;
    this.unsaved = false;
    this.steps = [];
    this.undone = [];
    this.last = { tag: null, time: 0 };
    this.state = view.correction ? this.#corrected(view.correction) : this.#guessed();
  }

  #guessed() {
    const points = this.view.guess?.keypoints ?? this.names.map(() => null);
    return {
      points: structuredClone(points),
      seen: points.map((point) => (point ? SEEN : ABSENT)),
      rejected: false,
      hold: null,
    };
  }

  #corrected({ keypoints, visibility, rejected }) {
    // What is absent keeps the place of the guess, in case it is wanted back.
    const points = keypoints.map((point, k) =>
      point && point[0] !== null ? [...point] : this.view.guess?.keypoints[k] ?? null);
    return { points, seen: [...visibility], rejected, hold: null };
  }

  /** Change the state in one step; steps of one tag that follow at once are one. */
  edit(change, tag = null) {
    const now = performance.now();
    const same = tag !== null && tag === this.last.tag && now - this.last.time < SAME_STEP_MS;
    if (!same) this.steps.push(structuredClone(this.state));
    this.last = { tag, time: now };
    this.undone = [];
    this.unsaved = true;
    change(this.state);
  }

  undo() { this.#step(this.steps, this.undone); }
  redo() { this.#step(this.undone, this.steps); }

  #step(from, to) {
    if (!from.length) return;
    to.push(structuredClone(this.state));
    this.state = from.pop();
    this.last.tag = null;
    this.unsaved = true;
  }

  /** Whether the model was unsure, and nobody has said anything since. */
  isDoubted(k, least) {
    const { guess, correction } = this.view;
    const [shown, point] = [guess?.keypoints[k], this.state.points[k]];
    if (!shown || correction || !this.isPlaced(k) || guess.scores[k] >= least) return false;
    return shown[0] === point[0] && shown[1] === point[1];
  }

  isPlaced(k) { return this.state.points[k] !== null && this.state.seen[k] !== ABSENT; }

  #inside([x, y]) {
    const [width, height] = this.view.size;
    const within = (value, side) => Math.min(Math.max(value, -0.5), side - 0.5);
    return [within(x, width), within(y, height)];
  }

  /** Put a keypoint somewhere; what was absent is seen from then on. */
  place(k, point, tag) {
    this.edit((state) => {
      if (state.seen[k] === ABSENT) state.seen[k] = SEEN;
      state.points[k] = this.#inside(point);
    }, tag);
  }

  toggleHidden(k) {
    if (!this.state.points[k]) return;
    this.edit((state) => { state.seen[k] = state.seen[k] === HIDDEN ? SEEN : HIDDEN; });
  }

  toggleAbsent(k) {
    if (!this.state.points[k]) return;
    this.edit((state) => { state.seen[k] = state.seen[k] === ABSENT ? SEEN : ABSENT; });
  }

  toggleRejected() { this.edit((state) => { state.rejected = !state.rejected; }); }

  /** Call left right and right left: of the whole person, or of the legs. */
  swapSides(legsOnly = false) {
    this.edit((state) => {
      const other = this.flip.map((k, own) => (!legsOnly || LEGS.test(this.names[own]) ? k : own));
      state.points = other.map((k) => state.points[k]);
      state.seen = other.map((k) => state.seen[k]);
    });
  }

  backToGuess() { this.edit((state) => Object.assign(state, this.#guessed())); }

  /** Hold the spine as a curve, or let it go; false if it cannot be held. */
  toggleCurve() {
    const { state } = this;
    const placed = state.points.map((point, k) => (this.isPlaced(k) ? point : null));
    state.hold = state.hold || !this.curve ? null : takeHold(this.curve, placed);
    return state.hold !== null;
  }

  bend(handle, point, tag) {
    this.edit((state) => {
      state.hold.handles[handle] = this.#inside(point);
      this.#followCurve(state);
    }, tag);
  }

  /** Put the vertebrae where they are in most people. */
  spreadVertebrae() {
    this.edit((state) => {
      state.hold.shares = [...this.curve.shares];
      this.#followCurve(state);
    });
  }

  #followCurve(state) {
    vertebrae(this.curve, state.hold).forEach((point, i) => {
      const k = this.curve.chain[i];
      if (!point) return;
      if (!state.points[k]) state.seen[k] = SEEN;
      state.points[k] = this.#inside(point);
    });
  }

  /** What the server is told. */
  said(seconds, revision) {
    const { points, seen, rejected } = this.state;
    const round = (value) => Math.round(value * 100) / 100;
    return {
      keypoints: points.map((point, k) => (seen[k] === ABSENT ? null : point.map(round))),
      visibility: seen,
      rejected,
      seconds: Math.round(seconds * 10) / 10,
      revision,
    };
  }
}
