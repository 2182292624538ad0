// Who tells whom, and what each actor does: the graph, the table, and one actor.
import { h, s } from '../dom.js';
import { ago, clock, micros, rate, whole } from '../format.js';
import { empty, facts, panel, shown, table } from '../parts.js';
import { to } from '../router.js';
import * as shapes from '../shapes.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */
/** @typedef {import('../shapes.js').ActorRow} ActorRow */
/** @typedef {import('../shapes.js').Edge} Edge */

const EVERY_MS = 1000;
/** What each owns, in the words of the architecture. @type {Record<string, string>} */
const OWNS = {
  PeerGateway: 'the listener for nodes, and its admission',
  RpcGateway: 'the listener for people, and its admission',
  Proposer: 'proposals: has its own built, checks those of others',
  VoteCollector: 'votes: verifies, counts, keeps equivocations',
  RoundDriver: 'height, round, step, locks, timers, the key',
  Committer: 'the ledger, and evidence that waits',
  Mempool: 'transactions that wait for a block',
  BlockSync: 'catching up',
  StateStore: 'LMDB: the sign record, one transaction per block',
  PeerBroadcaster: 'the way out: for each peer an outbox, a client and a task',
  Supervisor: 'who lives: restart, back-off, the end of a node',
};
/** Where the graph has each: column and row. @type {Record<string, [number, number]>} */
const PLACES = {
  outside: [0, 0],
  RpcGateway: [0, 1],
  PeerGateway: [0, 2],
  Supervisor: [0, 3],
  Mempool: [1, 0],
  Proposer: [1, 1],
  VoteCollector: [1, 2],
  BlockSync: [1, 3],
  RoundDriver: [2, 1],
  PeerBroadcaster: [2, 2.7],
  Committer: [3, 0.4],
  StateStore: [3, 1.8],
};
const [BOX_W, BOX_H, GAP_X, GAP_Y] = [150, 44, 96, 58];

/** Counters of the second before: rates are differences. @type {Map<string, { at: number, counts: Map<string, number>, rates: Map<string, number> }>} */
const before = new Map();

/**
 * Messages a second of each counter, from the answer before.
 * @param {string} base @param {number} at @param {Map<string, number>} counts @returns {Map<string, number>}
 */
export function ratesOf(base, at, counts) {
  const last = before.get(base);
  if (last && last.at === at) return last.rates;
  const seconds = last ? (at - last.at) / 1000 : 0;
  const rates = new Map();
  for (const [name, count] of counts) {
    const was = last?.counts.get(name);
    if (was !== undefined && seconds > 0 && count >= was) rates.set(name, (count - was) / seconds);
  }
  before.set(base, { at, counts, rates });
  if (before.size > 16) before.delete(/** @type {string} */ (before.keys().next().value));
  return rates;
}

/** @param {Ctx} ctx @returns {Child[]} */
export function draw(ctx) {
  const base = chosen(ctx);
  const read = ctx.reads.get(base, '/actors', EVERY_MS);
  const opened = ctx.place.rest[0];
  return [
    nodes(ctx, base),
    shown(read, (value) => {
      const { actors, edges } = shapes.actors(value);
      const counts = new Map();
      for (const row of actors) for (const one of row.messages) counts.set(`${row.actor}/${one.message}`, one.handled);
      for (const edge of edges ?? []) counts.set(edgeName(edge), edge.told);
      const rates = ratesOf(base, read.at ?? 0, counts);
      if (opened !== undefined) return one(ctx, actors, edges, rates, opened);
      return [panel('Who tells whom', graph(actors, edges, rates)), panel('All actors', all(actors, rates))];
    }),
  ];
}

/** @param {Edge} edge */
function edgeName({ from, to: receiver, message }) {
  return `${from}>${receiver}/${message}`;
}

/** @param {Ctx} ctx */
function chosen(ctx) {
  const named = ctx.place.query.get('node');
  const node = [...ctx.store.nodes.values()].find((one) => one.status?.validator === named);
  return node?.base ?? ctx.base;
}

/** @param {Ctx} ctx @param {string} base */
function nodes(ctx, base) {
  const here = [...ctx.store.nodes.values()].filter((node) => node.isHere);
  if (here.length < 2) return null;
  const links = here.map((node) => {
    const who = node.status?.validator ?? '';
    const name = ctx.store.nameOf(who) ?? who.slice(0, 10);
    const link = `${to('actors', ...ctx.place.rest)}?node=${who}`;
    return h('a', { href: link, 'aria-current': node.base === base ? 'true' : null }, name);
  });
  return h('p', { class: 'steps' }, links);
}

/** Arrows between the same two are one. @param {Edge[]} edges @param {Map<string, number>} rates */
export function arrows(edges, rates) {
  /** @type {Map<string, { from: string, to: string, perSecond: number, told: number, refused: number, messages: string[] }>} */
  const joined = new Map();
  for (const edge of edges) {
    const name = `${edge.from}>${edge.to}`;
    const arrow = joined.get(name) ?? { from: edge.from, to: edge.to, perSecond: 0, told: 0, refused: 0, messages: [] };
    arrow.perSecond += rates.get(edgeName(edge)) ?? 0;
    arrow.told += edge.told;
    arrow.refused += edge.refused;
    arrow.messages.push(edge.message);
    joined.set(name, arrow);
  }
  return [...joined.values()];
}

/** @param {string} name @param {number} at @returns {[number, number]} */
function corner(name, at) {
  const [column, row] = PLACES[name] ?? [1 + (at % 3), 4 + Math.floor(at / 3)];
  return [column * (BOX_W + GAP_X) + 10, row * (BOX_H + GAP_Y) + 10];
}

/** Where the line from one middle to another leaves the box. @param {[number, number]} from @param {[number, number]} to @returns {[number, number]} */
function edgeOfBox([x, y], [toX, toY]) {
  const [dx, dy] = [toX - x, toY - y];
  const part = 1 / Math.max(Math.abs(dx) / (BOX_W / 2 + 3), Math.abs(dy) / (BOX_H / 2 + 3), 0.001);
  return [x + dx * part, y + dy * part];
}

/** @param {ActorRow[]} actors @param {Edge[] | null} edges @param {Map<string, number>} rates */
function graph(actors, edges, rates) {
  if (!edges) return empty('This node does not say who tells whom.');
  const names = [...new Set([...Object.keys(PLACES).filter((name) => actors.some((row) => row.actor === name)), ...actors.map((row) => row.actor), ...edges.flatMap((edge) => [edge.from, edge.to])])].slice(0, 40);
  const corners = new Map(names.map((name, at) => [name, corner(name, at)]));
  const drawn = arrows(edges, rates).filter((arrow) => arrow.from !== arrow.to && arrow.told + arrow.refused > 0);
  const lines = drawn.map((arrow) => line(arrow, corners));
  const boxes = names.map((name) => box(name, corners.get(name) ?? [0, 0], actors.find((row) => row.actor === name)));
  const bottom = Math.max(...[...corners.values()].map(([, y]) => y)) + BOX_H + 12;
  const label = `${names.length} actors and ${drawn.length} arrows; the table below says the same in words`;
  return [
    h('p', { class: 'note' }, 'An arrow is what one tells another: the thicker, the more messages a second; red where some were refused. Open an actor for its messages.'),
    h(
      'div',
      { class: 'scroll', role: 'group', 'aria-label': 'Graph of actors', tabindex: 0 },
      s('svg', { class: 'graph', viewBox: `0 0 ${4 * BOX_W + 3 * GAP_X + 20} ${bottom}`, role: 'group', 'aria-label': label }, lines, boxes),
    ),
    h('details', {}, h('summary', {}, `${drawn.length} arrows in words`), table('Arrows', ['From', 'To', 'Messages', 'A second', 'Told', 'Refused'], drawn.map((arrow) => [arrow.from, arrow.to, arrow.messages.join(', '), rate(arrow.perSecond), whole(arrow.told), whole(arrow.refused)]))),
  ];
}

/** @param {ReturnType<typeof arrows>[number]} arrow @param {Map<string, [number, number]>} corners */
function line(arrow, corners) {
  const middle = (/** @type {string} */ name) => {
    const [x, y] = corners.get(name) ?? [0, 0];
    return /** @type {[number, number]} */ ([x + BOX_W / 2, y + BOX_H / 2]);
  };
  const [from, receiver] = [middle(arrow.from), middle(arrow.to)];
  const [[x1, y1], [x2, y2]] = [edgeOfBox(from, receiver), edgeOfBox(receiver, from)];
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  // There and back are two lines, each a little to its right.
  const [sx, sy] = [(-(y2 - y1) / length) * 6, ((x2 - x1) / length) * 6];
  const thick = 1.2 + Math.min(5, Math.log2(1 + arrow.perSecond));
  const head = 7 + thick;
  const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
  const [tipX, tipY] = [x2 + sx, y2 + sy];
  const points = `${tipX.toFixed(1)},${tipY.toFixed(1)} ${(tipX - ux * head - uy * head * 0.5).toFixed(1)},${(tipY - uy * head + ux * head * 0.5).toFixed(1)} ${(tipX - ux * head + uy * head * 0.5).toFixed(1)},${(tipY - uy * head - ux * head * 0.5).toFixed(1)}`;
  const words = `${arrow.from} tells ${arrow.to} ${arrow.messages.join(', ')}: ${rate(arrow.perSecond)} a second, ${whole(arrow.told)} in all, ${whole(arrow.refused)} refused`;
  const kind = `arrow${arrow.refused ? ' refused' : ''}${arrow.perSecond > 0 ? ' busy' : ''}`;
  const at = 0.42;
  return s(
    'g',
    { class: kind, key: `${arrow.from}>${arrow.to}` },
    s('title', {}, words),
    s('line', { x1: (x1 + sx).toFixed(1), y1: (y1 + sy).toFixed(1), x2: (tipX - ux * head * 0.8).toFixed(1), y2: (tipY - uy * head * 0.8).toFixed(1), 'stroke-width': thick.toFixed(1) }),
    s('polygon', { points }),
    arrow.perSecond > 0 ? s('text', { x: (x1 + (x2 - x1) * at + sx * 2.2).toFixed(1), y: (y1 + (y2 - y1) * at + sy * 2.2 + 4).toFixed(1), 'text-anchor': 'middle' }, rate(arrow.perSecond)) : null,
  );
}

/** @param {string} name @param {[number, number]} corner @param {ActorRow | undefined} row */
function box(name, [x, y], row) {
  const state = row ? `${row.state}, ${row.depth} of ${row.limit} wait` : 'outside of the actors';
  const kind = !row ? 'box outside' : row.state !== 'running' ? 'box down' : row.restarts ? 'box fallen' : 'box';
  const inside = [
    s('rect', { x, y, width: BOX_W, height: BOX_H, rx: 7 }),
    s('text', { class: 'name', x: x + BOX_W / 2, y: y + 19, 'text-anchor': 'middle' }, name),
    s('text', { class: 'under', x: x + BOX_W / 2, y: y + 35, 'text-anchor': 'middle' }, row ? `${row.depth} wait${row.restarts ? `, ${row.restarts} restarts` : ''}` : ''),
  ];
  if (!row) return s('g', { class: kind, key: name }, inside);
  return s('a', { href: to('actors', name), class: kind, key: name }, s('title', {}, `${name}: ${state}`), inside);
}

/** @param {ActorRow} row @param {Map<string, number>} rates */
function perSecond(row, rates) {
  return row.messages.reduce((sum, one) => sum + (rates.get(`${row.actor}/${one.message}`) ?? 0), 0);
}

/** The greatest of a figure over all messages that have been handled. @param {ActorRow} row @param {'waited_p50_us' | 'waited_p99_us' | 'handled_p50_us' | 'handled_p99_us'} name */
function most(row, name) {
  const handled = row.messages.filter((one) => one.handled > 0);
  return handled.length ? Math.max(...handled.map((one) => one[name])) : null;
}

/** @param {ActorRow[]} actors @param {Map<string, number>} rates */
function all(actors, rates) {
  const rows = actors.map((row) => [
    h('a', { href: to('actors', row.actor) }, row.actor),
    h('span', { class: `badge ${row.state === 'running' ? 'good' : 'bad'}` }, row.state),
    `${whole(row.depth)} of ${whole(row.limit)}`,
    rate(perSecond(row, rates)),
    micros(most(row, 'waited_p99_us')),
    micros(most(row, 'handled_p50_us')),
    micros(most(row, 'handled_p99_us')),
    whole(row.refused),
    whole(row.restarts),
    row.last_message_ms_ago === null ? '–' : ago(row.last_message_ms_ago),
    h('span', { class: 'words' }, OWNS[row.actor] ?? ''),
  ]);
  return [
    h('p', { class: 'note' }, 'Times are those of the slowest message of each actor.'),
    table('All actors', ['Actor', 'State', 'Waiting', 'A second', 'Waited p99', 'Handled p50', 'Handled p99', 'Refused', 'Restarts', 'Last message', 'Owns'], rows),
  ];
}

/** @param {Ctx} ctx @param {ActorRow[]} actors @param {Edge[] | null} edges @param {Map<string, number>} rates @param {string} name @returns {Child} */
function one(ctx, actors, edges, rates, name) {
  const row = actors.find((it) => it.actor === name);
  const back = h('p', { class: 'steps' }, h('a', { href: to('actors') }, '← all actors'));
  if (!row) return [back, empty('This node has no such actor.')];
  const messages = row.messages.map((it) => [
    it.message,
    rate(rates.get(`${row.actor}/${it.message}`) ?? 0),
    whole(it.handled),
    micros(it.handled ? it.waited_p50_us : null),
    micros(it.handled ? it.waited_p99_us : null),
    micros(it.handled ? it.handled_p50_us : null),
    micros(it.handled ? it.handled_p99_us : null),
  ]);
  const told = (edges ?? []).filter((edge) => edge.from === name || edge.to === name);
  const lines = told.map((edge) => [edge.from, edge.to, edge.message, rate(rates.get(edgeName(edge)) ?? 0), whole(edge.told), whole(edge.refused)]);
  return [
    back,
    panel(
      row.actor,
      facts([
        ['Owns', OWNS[row.actor] ?? '–'],
        ['State', h('span', { class: `badge ${row.state === 'running' ? 'good' : 'bad'}` }, row.state)],
        ['Waiting', `${whole(row.depth)} of ${whole(row.limit)}`],
        ['Last message', row.last_message_ms_ago === null ? 'none yet' : `${ago(row.last_message_ms_ago)} ago`],
        ['Refused', whole(row.refused)],
        ['Restarts', `${whole(row.restarts)} after ${whole(row.panics)} panics`],
        ['Last panic', row.last_panic ?? 'none'],
        row.last_panic_unix_ms !== null && ['Last panic at', clock(row.last_panic_unix_ms)],
        ctx.store.devnet?.can_panic && ['On a devnet', h('a', { href: to('devnet') }, 'panic it by hand')],
      ]),
    ),
    panel('Its messages', table('Messages', ['Message', 'A second', 'Handled', 'Waited p50', 'Waited p99', 'Handled p50', 'Handled p99'], messages)),
    panel('Who tells it, and whom it tells', edges ? (lines.length ? table('Edges', ['From', 'To', 'Message', 'A second', 'Told', 'Refused'], lines) : empty('Nobody yet.')) : empty('This node does not say who tells whom.')),
  ];
}
