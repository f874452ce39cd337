// The spine as one curve: points in order, a smooth curve through them, places along it.
// A point is [x, y]. See curve.py for what `curve`, the settings, holds.

const STEPS = 24;

export const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
const mix = (a, b, share) => [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];

/** The centripetal Catmull-Rom curve through points, as spinepose.draw.curves has it. */
export function curveThrough(points) {
  if (points.length < 3) return points;
  const ends = [mix(points[1], points[0], 2), ...points, mix(points.at(-2), points.at(-1), 2)];
  const knots = [0];
  for (let i = 1; i < ends.length; i++) {
    knots.push(knots[i - 1] + Math.sqrt(Math.max(distance(ends[i - 1], ends[i]), 1e-6)));
  }
  const curve = [];
  for (let i = 1; i < ends.length - 2; i++) {
    for (let step = 0; step < STEPS; step++) curve.push(onPiece(ends, knots, i, step / STEPS));
  }
  return [...curve, points.at(-1)];
}

/** Barry and Goldman's scheme, between the points i and i + 1. */
function onPiece(points, knots, i, share) {
  const at = knots[i] + share * (knots[i + 1] - knots[i]);
  const between = (a, b, from, to) => mix(a, b, (at - knots[from]) / (knots[to] - knots[from]));
  const [a, b, c] = [i - 1, i, i + 1].map((k) => between(points[k], points[k + 1], k, k + 1));
  return between(between(a, b, i - 1, i + 1), between(b, c, i, i + 2), i, i + 1);
}

/** How far along a line of points each one is, from 0 to 1. */
export function sharesAlong(points) {
  const way = [0];
  for (let i = 1; i < points.length; i++) way.push(way[i - 1] + distance(points[i - 1], points[i]));
  return way.map((length) => length / Math.max(way.at(-1), 1e-6));
}

function placeOn(line, share) {
  const way = sharesAlong(line);
  const after = Math.max(1, way.findIndex((at) => at >= share - 1e-9));
  const gap = way[after] - way[after - 1];
  return mix(line[after - 1], line[after], gap > 0 ? (share - way[after - 1]) / gap : 0);
}

/** The parts of the spine, above and below the joint: positions in the chain. */
const parts = ({ chain, joint }) => [
  chain.map((_, k) => k).slice(0, joint + 1),
  chain.map((_, k) => k).slice(joint),
];

/**
 * Handles on the spine of a person, and the shares of the vertebrae; null without C7 and sacrum.
 * Shares are those of the points there are, since they know how the person stands to the camera;
 * those of anatomy where a point is missing.
 */
export function takeHold(curve, points) {
  const at = curve.chain.map((index) => points[index]);
  const [joint, bottom] = [at[curve.joint], at.at(-1)];
  if (!joint || !bottom) return null;
  const handles = curve.handles.map(
    (k) => at[k] ?? (k > curve.joint ? mix(joint, bottom, curve.shares[k]) : null),
  );
  const shares = [...curve.shares];
  for (const part of parts(curve)) {
    if (!part.every((k) => at[k])) continue;
    const found = sharesAlong(part.map((k) => at[k]));
    part.forEach((k, i) => { if (k !== curve.joint) shares[k] = found[i]; });
  }
  return { handles, shares };
}

/** Where the vertebrae are on the curve through the handles; null above C7 if C1 is missing. */
export function vertebrae(curve, { handles, shares }) {
  const line = curveThrough(handles.filter(Boolean));
  const above = handles[0] ? STEPS : 0;
  return curve.chain.map((_, k) => {
    if (k === curve.joint) return line[above];
    if (k > curve.joint) return placeOn(line.slice(above), shares[k]);
    return above ? placeOn(line.slice(0, above + 1), shares[k]) : null;
  });
}
