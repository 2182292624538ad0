// Who tells whom, and what each actor does: the graph, the table, and one actor.
import { h } from '../dom.js';
import { ago, clock, count, micros, rate, whole } from '../format.js';
import { empty, facts, panel, shown, table } from '../parts.js';
import { to } from '../router.js';
import * as shapes from '../shapes.js';
import { graph } from './graph.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */
/** @typedef {import('../shapes.js').ActorRow} ActorRow */
/** @typedef {import('../shapes.js').Edge} Edge */
/** @typedef {{ from: string, to: string, perSecond: number, told: number, refused: number, messages: string[] }} Arrow */

const EVERY_MS = 1000;
/** Arrows of the graph, twice what a node has: where each runs depends on all others. */
const ARROWS_MAX = 96;
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
  const read = ctx.reads.get(base, '/actors', EVERY_MS, shapes.actors);
  const opened = ctx.place.rest[0];
  return [
    nodes(ctx, base),
    shown(read, (value) => {
      const { actors, edges } = /** @type {{ actors: ActorRow[], edges: Edge[] | null }} */ (value);
      const counts = new Map();
      for (const row of actors) for (const one of row.messages) counts.set(`${row.actor}/${one.message}`, one.handled);
      for (const edge of edges ?? []) counts.set(edgeName(edge), edge.told);
      const rates = ratesOf(base, read.at ?? 0, counts);
      if (opened !== undefined) return one(ctx, actors, edges, rates, opened);
      return [panel('Who tells whom', whom(ctx, actors, edges, rates)), panel('All actors', all(actors, rates))];
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
  if (named === null) return ctx.base;
  return (ctx.store.nodes.get(named) ?? ctx.store.nodeOf(named))?.base ?? ctx.base;
}

/** @param {Ctx} ctx @param {string} base */
function nodes(ctx, base) {
  const here = [...ctx.store.nodes.values()].filter((node) => node.isHere);
  if (here.length < 2) return null;
  const links = here.map((node) => {
    const who = node.status?.validator ?? null;
    const link = `${to('actors', ...ctx.place.rest)}?node=${encodeURIComponent(who !== null && ctx.store.isKnownAs(node, who) ? who : node.base)}`;
    return h('a', { href: link, 'aria-current': node.base === base ? 'true' : null }, ctx.store.nameOfNode(node));
  });
  return h('p', { class: 'steps' }, links);
}

/** Arrows between the same two are one. @param {Edge[]} edges @param {Map<string, number>} rates @returns {Arrow[]} */
export function arrows(edges, rates) {
  /** @type {Map<string, Arrow>} */
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

/** @param {Ctx} ctx @param {ActorRow[]} actors @param {Edge[] | null} edges @param {Map<string, number>} rates */
function whom(ctx, actors, edges, rates) {
  if (!edges) return empty('This node does not say who tells whom.');
  const drawn = arrows(edges, rates).filter((arrow) => arrow.from !== arrow.to && arrow.told + arrow.refused > 0);
  const rest = drawn.splice(ARROWS_MAX);
  const rows = [...drawn, ...rest].map((arrow) => [arrow.from, arrow.to, h('span', { class: 'words' }, arrow.messages.join(', ')), rate(arrow.perSecond), whole(arrow.told), whole(arrow.refused)]);
  return [
    h('p', { class: 'note' }, 'An arrow is what one tells another, with messages a second: grey if there were none in the last second, red where some were refused. Point at an actor to see its arrows alone; open it for its messages.'),
    h('div', { class: 'scroll', role: 'group', 'aria-label': 'Graph of actors', tabindex: 0 }, graph(ctx, actors, drawn, (row) => perSecond(row, rates))),
    h('details', {}, h('summary', {}, `${rows.length} arrows in words`), table('Arrows', ['From', 'To', 'Messages', 'A second', 'Told', 'Refused'], rows, [3, 4, 5])),
  ];
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
    table('All actors', ['Actor', 'State', 'Waiting', 'A second', 'Waited p99', 'Handled p50', 'Handled p99', 'Refused', 'Restarts', 'Last message', 'Owns'], rows, [2, 3, 4, 5, 6, 7, 8, 9]),
  ];
}

/** @param {Ctx} ctx @param {ActorRow[]} actors @param {Edge[] | null} edges @param {Map<string, number>} rates @param {string} name @returns {Child} */
function one(ctx, actors, edges, rates, name) {
  const row = actors.find((it) => it.actor === name);
  const back = h('p', { class: 'steps' }, h('a', { href: to('actors') }, '← all actors'));
  if (!row) return [back, empty('This node has no such actor.')];
  const came = row.messages.filter((it) => it.handled > 0).sort((a, b) => b.handled - a.handled);
  const never = row.messages.filter((it) => it.handled === 0).map((it) => it.message);
  const messages = came.map((it) => [
    it.message,
    rate(rates.get(`${row.actor}/${it.message}`) ?? 0),
    whole(it.handled),
    micros(it.waited_p50_us),
    micros(it.waited_p99_us),
    micros(it.handled_p50_us),
    micros(it.handled_p99_us),
  ]);
  const told = (edges ?? []).filter((edge) => edge.from === name || edge.to === name);
  const used = told.filter((edge) => edge.told + edge.refused > 0).sort((a, b) => b.told - a.told);
  const lines = used.map((edge) => [edge.from, edge.to, edge.message, rate(rates.get(edgeName(edge)) ?? 0), whole(edge.told), whole(edge.refused)]);
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
        ['Restarts', row.restarts + row.panics > 0 ? `${whole(row.restarts)} after ${count(row.panics, 'panic')}` : 'none'],
        ['Last panic', row.last_panic ?? 'none'],
        row.last_panic_unix_ms !== null && ['Last panic at', clock(row.last_panic_unix_ms)],
        ctx.store.devnet?.can_panic && ['On a devnet', h('a', { href: to('devnet') }, 'panic it by hand')],
      ]),
    ),
    panel(
      'Its messages',
      messages.length ? table('Messages', ['Message', 'A second', 'Handled', 'Waited p50', 'Waited p99', 'Handled p50', 'Handled p99'], messages, [1, 2, 3, 4, 5, 6]) : empty('None has come yet.'),
      never.length ? h('p', { class: 'note below' }, `Never came: ${never.join(', ')}.`) : null,
    ),
    panel('Who tells it, and whom it tells', edges ? (lines.length ? table('Edges', ['From', 'To', 'Message', 'A second', 'Told', 'Refused'], lines, [3, 4, 5]) : empty('Nobody yet.')) : empty('This node does not say who tells whom.'), told.length > used.length ? h('p', { class: 'note below' }, `${whole(told.length - used.length)} further ways were never used.`) : null),
  ];
}
