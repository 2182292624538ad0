// The graph of who tells whom: boxes on a grid, arrows that go round boxes, and their figures where nothing else is.
//
// Where an arrow runs depends on which arrows there are and not on their figures: nothing moves while one looks.
import { s } from '../dom.js';
import { rate, whole } from '../format.js';
import { to } from '../router.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../shapes.js').ActorRow} ActorRow */
/** @typedef {import('./actors.js').Arrow} Arrow */
/** @typedef {[number, number]} Point */
/** @typedef {{ from: Point, bend: Point, to: Point, begin: number, end: number, points: Point[] }} Way a bow from middle to middle, and what of it is outside of its two boxes */
/** @typedef {{ ways: Map<string, Way>, labels: Map<string, Point> }} Plan */

/** Column and row of each. @type {Record<string, Point>} */
const PLACES = {
  outside: [0, 0],
  PeerGateway: [0, 1],
  RpcGateway: [0, 2],
  Supervisor: [0, 3],
  Mempool: [1, 0],
  Proposer: [1, 1],
  VoteCollector: [1, 2.5],
  RoundDriver: [2, 0],
  PeerBroadcaster: [2, 1.5],
  StateStore: [3, 0],
  Committer: [3, 1],
  BlockSync: [3, 2],
};
export const [BOX_W, BOX_H] = [152, 48];
const [STEP_X, STEP_Y, EDGE] = [256, 122, 12];
/** A label's, as it is at most. */
const [LABEL_W, LABEL_H] = [40, 15];
/** How far an arrow may bow to its right, or to its left: the first that is in nobody's way. */
const BENDS = [12, 30, -30, 55, -55, 85, -85, 120, -120, 160, -160];
/** Points of a bow at which is looked. */
const SAMPLES = 32;
/** Where a label may stand on its arrow: the middle first. */
const PARTS = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82];

/** The actor whose arrows alone are drawn strongly, while somebody points at it. @type {string | null} */
let pointedAt = null;
/** The last plan, and what it was made for. @type {{ key: string, plan: Plan }} */
let last = { key: '', plan: { ways: new Map(), labels: new Map() } };

/** The middle of a box. @param {string} name @param {number} at @returns {Point} */
export function middle(name, at) {
  const [column, row] = PLACES[name] ?? [at % 4, 4 + Math.floor(at / 4)];
  return [column * STEP_X + EDGE + BOX_W / 2, row * STEP_Y + EDGE + BOX_H / 2];
}

/** Whether a point lies in a box around a middle. @param {Point} point @param {Point} middle @param {number} wide @param {number} high */
function isIn([x, y], [middleX, middleY], wide, high) {
  return Math.abs(x - middleX) < wide / 2 && Math.abs(y - middleY) < high / 2;
}

/** A point of a bow. @param {Pick<Way, 'from' | 'bend' | 'to'>} way @param {number} a @param {number} [b] with another: where the part between the two bends @returns {Point} */
function at(way, a, b = a) {
  const mix = (/** @type {0 | 1} */ axis) => (1 - a) * (1 - b) * way.from[axis] + (a + b - 2 * a * b) * way.bend[axis] + a * b * way.to[axis];
  return [mix(0), mix(1)];
}

/** @param {Point} from @param {Point} to @param {number} bend @returns {Way} */
function bow(from, to, bend) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy) || 1;
  const side = /** @type {Point} */ ([(from[0] + to[0]) / 2 - (dy / length) * bend * 2, (from[1] + to[1]) / 2 + (dx / length) * bend * 2]);
  const curve = { from, bend: side, to };
  let [begin, end] = [0, 1];
  while (begin < 0.5 && isIn(at(curve, begin), from, BOX_W + 6, BOX_H + 6)) begin += 0.005;
  while (end > begin && isIn(at(curve, end), to, BOX_W + 8, BOX_H + 8)) end -= 0.005;
  const points = Array.from({ length: SAMPLES }, (_, one) => at(curve, begin + ((end - begin) * one) / (SAMPLES - 1)));
  return { ...curve, begin, end, points };
}

/** Who stands in the way of an arrow: boxes, the rim, arrows that are laid. @param {Way} way @param {number} bend @param {Point[]} others @param {Point[]} laid @param {Point} rim */
function cost(way, bend, others, laid, rim) {
  let sum = Math.abs(bend) * 0.2;
  for (const point of way.points) {
    if (others.some((box) => isIn(point, box, BOX_W + 18, BOX_H + 16))) sum += 100;
    if (point[0] < 4 || point[1] < 4 || point[0] > rim[0] - 4 || point[1] > rim[1] - 4) sum += 100;
    for (const other of laid) if (isIn(point, other, 18, 18)) sum += 2;
  }
  return sum;
}

/** @param {Map<string, Point>} boxes @param {Pick<Arrow, 'from' | 'to'>[]} arrows @param {Point} rim @returns {Plan} */
export function plan(boxes, arrows, rim) {
  const key = [...boxes, ...arrows.map((one) => `${one.from}>${one.to}`)].join();
  if (key === last.key) return last.plan;
  const place = (/** @type {string} */ name) => boxes.get(name) ?? /** @type {Point} */ ([0, 0]);
  const far = (/** @type {Pick<Arrow, 'from' | 'to'>} */ one) => Math.hypot(place(one.from)[0] - place(one.to)[0], place(one.from)[1] - place(one.to)[1]);
  /** @type {Map<string, Way>} */
  const ways = new Map();
  /** @type {Point[]} */
  const laid = [];
  // Short arrows have no other way: they are laid first.
  for (const one of [...arrows].sort((a, b) => far(a) - far(b) || (`${a.from}${a.to}` < `${b.from}${b.to}` ? -1 : 1))) {
    const others = [...boxes].filter(([name]) => name !== one.from && name !== one.to).map(([, box]) => box);
    const choices = BENDS.map((bend) => {
      const way = bow(place(one.from), place(one.to), bend);
      return { way, cost: cost(way, bend, others, laid, rim) };
    });
    const { way } = choices.reduce((best, choice) => (choice.cost < best.cost ? choice : best));
    ways.set(`${one.from}>${one.to}`, way);
    laid.push(...way.points);
  }
  const made = { ways, labels: labels(ways, [...boxes.values()]) };
  last = { key, plan: made };
  return made;
}

/** @param {Map<string, Way>} ways @param {Point[]} boxes */
function labels(ways, boxes) {
  /** @type {Map<string, Point>} */
  const placed = new Map();
  for (const [name, way] of ways) {
    const lines = [...ways].filter(([other]) => other !== name).flatMap(([, other]) => other.points);
    const choices = PARTS.map((part) => {
      const point = at(way, way.begin + (way.end - way.begin) * part);
      const near = (/** @type {Point[]} */ all, /** @type {number} */ wide, /** @type {number} */ high) => all.filter((one) => isIn(one, point, wide, high)).length;
      const sum = near(boxes, BOX_W + LABEL_W, BOX_H + LABEL_H) * 1000 + near([...placed.values()], 2 * LABEL_W, 2 * LABEL_H) * 300 + near(lines, LABEL_W + 4, LABEL_H + 4) * 10 + Math.abs(part - 0.5) * 25;
      return { point, sum };
    });
    placed.set(name, choices.reduce((best, choice) => (choice.sum < best.sum ? choice : best)).point);
  }
  return placed;
}

/** @param {Ctx} ctx @param {ActorRow[]} actors @param {Arrow[]} arrows @param {(row: ActorRow) => number} perSecond */
export function graph(ctx, actors, arrows, perSecond) {
  const known = Object.keys(PLACES).filter((name) => actors.some((row) => row.actor === name));
  const names = [...new Set([...known, ...actors.map((row) => row.actor), ...arrows.flatMap((arrow) => [arrow.from, arrow.to])])].slice(0, 40);
  const boxes = new Map(names.map((name, place) => [name, middle(name, place)]));
  const all = [...boxes.values()];
  const rim = /** @type {Point} */ ([Math.max(...all.map(([x]) => x)) + BOX_W / 2 + EDGE, Math.max(...all.map(([, y]) => y)) + BOX_H / 2 + EDGE]);
  const drawn = arrows.filter((arrow) => boxes.has(arrow.from) && boxes.has(arrow.to));
  const { ways, labels: places } = plan(boxes, drawn, rim);
  const lines = drawn.map((arrow) => line(arrow, /** @type {Way} */ (ways.get(`${arrow.from}>${arrow.to}`))));
  const figures = drawn.filter((arrow) => arrow.perSecond > 0).map((arrow) => figure(arrow, places.get(`${arrow.from}>${arrow.to}`) ?? [0, 0]));
  const rects = names.map((name) => box(ctx, name, boxes.get(name) ?? [0, 0], actors.find((row) => row.actor === name), perSecond));
  const label = `${names.length} actors and ${drawn.length} arrows; the table below says the same in words`;
  return s('svg', { class: 'graph', viewBox: `0 0 ${rim[0]} ${rim[1]}`, role: 'group', 'aria-label': label }, lines, figures, rects);
}

/** @param {Arrow} arrow */
function kind(arrow) {
  const isAside = pointedAt !== null && arrow.from !== pointedAt && arrow.to !== pointedAt;
  return `arrow${arrow.refused ? ' refused' : ''}${arrow.perSecond > 0 ? ' busy' : ''}${isAside ? ' aside' : ''}`;
}

/** @param {Arrow} arrow */
function words(arrow) {
  return `${arrow.from} tells ${arrow.to} ${arrow.messages.join(', ')}: ${rate(arrow.perSecond)} a second, ${whole(arrow.told)} in all, ${whole(arrow.refused)} refused`;
}

/** @param {Arrow} arrow @param {Way} way */
function line(arrow, way) {
  const thick = 1.2 + Math.min(5, Math.log2(1 + arrow.perSecond));
  const head = 7 + thick;
  const [begin, bend, tip] = [at(way, way.begin), at(way, way.begin, way.end), at(way, way.end)];
  const length = Math.hypot(tip[0] - bend[0], tip[1] - bend[1]) || 1;
  const [ux, uy] = [(tip[0] - bend[0]) / length, (tip[1] - bend[1]) / length];
  const back = [tip[0] - ux * head, tip[1] - uy * head];
  const write = (/** @type {number[]} */ ...numbers) => numbers.map((one) => one.toFixed(1)).join(' ');
  return s(
    'g',
    { class: kind(arrow), key: `${arrow.from}>${arrow.to}` },
    s('title', {}, words(arrow)),
    s('path', { d: `M${write(...begin)}Q${write(...bend, back[0], back[1])}`, 'stroke-width': thick.toFixed(1) }),
    s('polygon', { points: write(...tip, back[0] - uy * head * 0.5, back[1] + ux * head * 0.5, back[0] + uy * head * 0.5, back[1] - ux * head * 0.5) }),
  );
}

/** @param {Arrow} arrow @param {Point} place */
function figure(arrow, [x, y]) {
  const text = rate(arrow.perSecond);
  const wide = text.length * 6.5 + 7;
  const ground = s('rect', { x: (x - wide / 2).toFixed(1), y: (y - LABEL_H / 2).toFixed(1), width: wide.toFixed(1), height: LABEL_H, rx: 3 });
  return s('g', { class: kind(arrow), key: `figure ${arrow.from}>${arrow.to}` }, s('title', {}, words(arrow)), ground, s('text', { x: x.toFixed(1), y: (y + 4).toFixed(1), 'text-anchor': 'middle' }, text));
}

/** @param {Ctx} ctx @param {string} name @param {Point} middle @param {ActorRow | undefined} row @param {(row: ActorRow) => number} perSecond */
function box(ctx, name, [x, y], row, perSecond) {
  const isDown = row !== undefined && row.state !== 'running';
  const handled = row && (row.messages.length ? `${rate(perSecond(row))}/s` : 'a listener');
  const under = !row ? 'of the actors' : isDown ? row.state : [handled, row.depth ? `${whole(row.depth)} wait` : '', row.restarts ? `fell ${whole(row.restarts)}×` : ''].filter(Boolean).join(', ');
  const inside = [
    s('rect', { x: x - BOX_W / 2, y: y - BOX_H / 2, width: BOX_W, height: BOX_H, rx: 7 }),
    s('text', { class: 'name', x, y: y - 3, 'text-anchor': 'middle' }, name),
    s('text', { class: 'under', x, y: y + 14, 'text-anchor': 'middle' }, under),
  ];
  if (!row) return s('g', { class: 'box outside', key: name }, inside);
  const point = (/** @type {string | null} */ whom) => () => {
    if (pointedAt === whom) return;
    pointedAt = whom;
    ctx.store.changed();
  };
  const look = { onpointerenter: point(name), onpointerleave: point(null), onfocus: point(name), onblur: point(null), onclick: point(null) };
  return s('a', { href: to('actors', name), class: isDown ? 'box down' : row.restarts ? 'box fallen' : 'box', key: name, ...look }, s('title', {}, `${name}: ${row.state}, ${whole(row.depth)} of ${whole(row.limit)} wait`), inside);
}
