// One height as a waterfall: what each node did when, side by side.
//
// Wall clocks of nodes differ, so their lines are laid beside each other at the proposal: its proposer's "sent" is
// every other node's "received". The time of the way is not in it, and the page says so.
import { h, s } from '../dom.js';
import { count, micros, short, whole } from '../format.js';
import { colour, empty, panel, table } from '../parts.js';
import { to } from '../router.js';
import * as shapes from '../shapes.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */
/** @typedef {import('../shapes.js').Timeline} Timeline */
/** @typedef {import('../shapes.js').Entry} Entry */

/** Marks of all nodes that have words of their own; where there are more, those of a line are one drawing. */
const MARKS_MAX = 1200;
/** Rows of all tables together, shared by the nodes. */
const ROWS_MAX = 1600;
const LINE = 20;
const LABEL = 170;
const WIDTH = 1000;
/** What everybody's line has, in order; votes of others are marks on the line of polka and decision. */
const STEPS = ['began', 'round_began', 'proposal_built', 'proposal_signed', 'proposal_durable', 'proposal_sent', 'proposal_received', 'proposal_verified', 'executed', 'prevote_signed', 'prevote_durable', 'prevote_sent', 'prevote_received', 'polka', 'precommit_signed', 'precommit_durable', 'precommit_sent', 'precommit_received', 'timeout', 'decided', 'stored', 'caught_up'];

/** @typedef {{ node: import('../store.js').NodeState, name: string, place: number, timeline: Timeline }} Told what a node has told of the height */

/** @param {Ctx} ctx @returns {Child[]} */
export function draw(ctx) {
  const newest = ctx.store.lead()?.status?.height ?? 0;
  const asked = ctx.place.rest[0];
  if (asked === undefined) return [choose(newest, null), panel('Which height', recent(ctx, newest))];
  const height = /^[0-9]{1,15}$/.test(asked) ? Number(asked) : null;
  if (height === null || height < 1) return [choose(newest, null), empty('That is no height.')];
  const known = [...ctx.store.nodes.values()];
  const nodes = known.filter((node) => node.isHere);
  const every = height > newest ? 1000 : 0;
  const reads = nodes.map((node) => ({ node, read: ctx.reads.get(node.base, `/heights/${height}/timeline`, every, (value) => shapes.timeline(value, height)) }));
  /** @type {Told[]} */
  const there = [];
  /** Who is not shown, by the reason. @type {Map<string, string[]>} */
  const missing = new Map();
  const misses = (/** @type {string} */ why, /** @type {string} */ name) => missing.set(why, [...(missing.get(why) ?? []), name]);
  for (const node of known.filter((one) => !one.isHere)) misses(node.isForeign ? 'of another chain' : 'no answer', ctx.store.nameOfNode(node));
  for (const { node, read } of reads) {
    const who = node.status?.validator ?? null;
    const name = ctx.store.nameOfNode(node);
    if (read.value === undefined) {
      misses(read.error ? read.error.message : 'asked', name);
    } else {
      there.push({ node, name, place: ctx.store.isKnownAs(node, who) ? ctx.store.placeOf(who) : -1, timeline: read.value });
    }
  }
  return [
    choose(newest, height),
    panel(
      `Height ${whole(height)}`,
      there.length ? waterfall(ctx, there) : empty('No node has a timeline of this height: 256 heights are kept, and not by every build.'),
      missing.size ? h('p', { class: 'note below' }, `Not shown: ${[...missing].map(([why, names]) => `${names.join(', ')}: ${why}`).join('; ')}.`) : null,
    ),
    there.length ? panel('All that was noted', there.map((one) => noted(ctx, one, Math.floor(ROWS_MAX / there.length)))) : null,
  ];
}

/** @param {number} newest @param {number | null} height */
function choose(newest, height) {
  const at = height ?? newest;
  return h(
    'p',
    { class: 'steps' },
    at > 1 ? h('a', { href: to('timeline', at - 1) }, `← ${whole(at - 1)}`) : null,
    h('a', { href: to('timeline', at + 1) }, `${whole(at + 1)} →`),
    newest > 0 ? h('a', { href: to('timeline', newest) }, `newest, ${whole(newest)}`) : null,
    height ? h('a', { href: to('block', height) }, 'the block') : null,
  );
}

/** @param {Ctx} ctx @param {number} newest */
function recent(ctx, newest) {
  const heights = Array.from({ length: Math.min(newest, 40) }, (_, at) => newest - at);
  if (!heights.length) return empty('There is no height yet.');
  const { chain } = ctx.store;
  const entry = (/** @type {number} */ height) => {
    const proposer = chain.at(height)?.proposer ?? null;
    const took = chain.durations.get(height);
    const chip = h('span', { class: `chip ${colour(ctx.store.placeOf(proposer))}`, 'aria-hidden': 'true' });
    return h('li', {}, h('a', { href: to('timeline', height) }, chip, whole(height), took === undefined ? null : h('span', { class: 'under' }, ` ${micros(took)}`)));
  };
  return [h('p', { class: 'note' }, 'The colour is the proposer’s; the time is that from the proposal to the decision, where this page has seen it.'), h('ul', { class: 'tags even' }, heights.map(entry))];
}

/** Whether it tells of a proposal that passes from one node to another. @param {Entry} entry */
function passes({ what }) {
  return what === 'proposal_sent' || what === 'proposal_received';
}

/** When a proposal passed from one node to another, by this node's time. @param {Timeline} timeline @param {number | null} [round] in which all have one */
export function anchor(timeline, round = null) {
  const proposals = timeline.entries.filter(passes);
  const chosen = proposals.find((entry) => entry.round === round) ?? proposals[0];
  return (chosen ?? timeline.entries[0])?.at_us ?? 0;
}

/** The first round whose proposal all nodes have told of: in a cut a side may have none of the first. @param {Timeline[]} timelines @returns {number | null} */
export function commonRound(timelines) {
  const [first, ...others] = timelines.map(({ entries }) => new Set(entries.filter(passes).map(({ round }) => round)));
  const common = [...(first ?? [])].filter((round) => others.every((rounds) => rounds.has(round)));
  return common.length ? Math.min(...common) : null;
}

/** @param {string} what */
function kind(what) {
  return what.split('_')[0];
}

/** @typedef {Entry & { at: number }} Moved an entry, and how long after the proposal it was */

/** @param {Ctx} ctx @param {Told[]} all */
function waterfall(ctx, all) {
  const tellers = ctx.store.tellers();
  const round = commonRound(all.filter(({ node }) => tellers.includes(node)).map(({ timeline }) => timeline));
  const moved = all.map(({ node, name, place, timeline }) => {
    const zero = anchor(timeline, round);
    const entries = timeline.entries.map((entry) => ({ ...entry, at: entry.at_us - zero }));
    // A height begins long before there is something to do: that wait is left out.
    return { node, name, place, entries: entries.filter((entry) => !['began', 'round_began'].includes(entry.what) || entry.at > -20_000) };
  });
  // How wide the scale is is not for a stranger to say.
  const times = moved.filter(({ node }) => tellers.includes(node)).flatMap(({ entries }) => entries.map(({ at }) => at));
  const [first, last] = [Math.min(0, ...times), Math.max(1, ...times)];
  const isDense = moved.reduce((sum, { entries }) => sum + entries.length, 0) > MARKS_MAX;
  return [
    h('p', { class: 'note' }, `Nodes are laid beside each other at the proposal${round ? ` of round ${round}` : ''}: sent by its proposer, received by the others. Their wall clocks differ, so the time on the way is not shown. A figure is the time from the proposal to the last mark of its line.`),
    isDense ? h('p', { class: 'note' }, 'So much was noted that marks have no words of their own: point at a line for how many it has, and of which rounds.') : null,
    h('div', { class: 'waterfalls' }, moved.map(({ name, place, entries }) => chart(ctx, name, place, entries, first, last, isDense))),
  ];
}

/** What one node did, on the same scale as the others. @param {Ctx} ctx @param {string} name @param {number} place @param {Moved[]} entries @param {number} first @param {number} last @param {boolean} isDense */
function chart(ctx, name, place, entries, first, last, isDense) {
  const x = (/** @type {number} */ at) => LABEL + 10 + ((at - first) * (WIDTH - 90)) / (last - first);
  const decided = entries.find(({ what }) => what === 'decided');
  const outcome = decided ? `decided ${micros(Math.abs(decided.at))} after the proposal` : 'not decided';
  const steps = STEPS.filter((step) => entries.some(({ what }) => what === step));
  const lines = steps.map((step, at) => s('g', {}, line(ctx, step, entries.filter(({ what }) => what === step), x, 58 + at * LINE, isDense)));
  const height = 56 + steps.length * LINE;
  const label = `What ${name} did, from ${micros(-first)} before the proposal to ${micros(last)} after it: ${outcome}`;
  const title = [s('rect', { class: colour(place), x: 0, y: 3, width: 11, height: 11, rx: 2 }), s('text', { class: 'name', x: 18, y: 13 }, name), s('text', { class: 'at', x: 18 + name.length * 8.5 + 12, y: 13 }, outcome)];
  return h(
    'div',
    { class: 'scroll', role: 'group', 'aria-label': `Waterfall of ${name}`, tabindex: 0, key: name },
    s('svg', { class: 'waterfall', viewBox: `0 0 ${LABEL + WIDTH + 10} ${height}`, role: 'img', 'aria-label': label }, axis(first, last, x), title, lines),
  );
}

/** @param {Ctx} ctx @param {string} step @param {Moved[]} own @param {(at: number) => number} x @param {number} y @param {boolean} isDense @returns {Child[]} */
function line(ctx, step, own, x, y, isDense) {
  const until = own[own.length - 1].at;
  const [begin, end] = [x(own[0].at), x(until)];
  return [
    s('line', { class: 'rail', x1: LABEL, x2: LABEL + WIDTH, y1: y, y2: y }),
    s('text', { class: 'step', x: 18, y: y + 4 }, step.replace('_', ' ')),
    s('rect', { class: `span ${kind(step)}`, x: begin.toFixed(1), y: y - 4, width: Math.max(1, end - begin).toFixed(1), height: 8, rx: 2 }),
    isDense ? [false, true].map((isNil) => dots(step, own.filter((entry) => (entry.nil ?? false) === isNil), isNil, x, y)) : own.map((entry) => dot(ctx, entry, x(entry.at), y)),
    s('text', { class: 'at', x: (end + 9).toFixed(1), y: y + 4 }, `${until < 0 ? '−' : ''}${micros(Math.abs(until))}`),
  ];
}

/** @param {number} first @param {number} last @param {(at: number) => number} x @returns {Child[]} */
function axis(first, last, x) {
  const step = 10 ** Math.floor(Math.log10((last - first) / 2));
  const wide = (last - first) / step > 10 ? step * 5 : step;
  const drawn = [];
  for (let at = Math.ceil(first / wide) * wide, lines = 0; at <= last && lines < 30; at += wide, lines += 1) {
    drawn.push(s('line', { class: at === 0 ? 'tick zero' : 'tick', x1: x(at).toFixed(1), x2: x(at).toFixed(1), y1: 40, y2: 9999 }));
    drawn.push(s('text', { class: 'at', x: x(at).toFixed(1), y: 34, 'text-anchor': 'middle' }, at === 0 ? 'proposal' : `${at < 0 ? '−' : '+'}${micros(Math.abs(at))}`));
  }
  return drawn;
}

/** @param {Ctx} ctx @param {Entry} entry @param {number} x @param {number} y */
function dot(ctx, entry, x, y) {
  const who = entry.who ? ` of ${ctx.store.nameOf(entry.who) ?? short(entry.who)}` : '';
  const words = `${entry.what.replace('_', ' ')}${who}, round ${entry.round}${entry.nil ? ', nil' : ''}: ${micros(entry.at_us)} after the height began`;
  return s('circle', { class: `${kind(entry.what)}${entry.nil ? ' nil' : ''}`, cx: x.toFixed(1), cy: y, r: 4 }, s('title', {}, words));
}

/** All marks of a line as one drawing. @param {string} step @param {Moved[]} own @param {boolean} isNil @param {(at: number) => number} x @param {number} y @returns {Child} */
function dots(step, own, isNil, x, y) {
  if (own.length === 0) return null;
  const rounds = own.map(({ round }) => round);
  const [lowest, highest] = [Math.min(...rounds), Math.max(...rounds)];
  const words = `${step.replace(/_/g, ' ')}${isNil ? ', nil' : ''}: ${count(own.length, 'mark')}, ${lowest === highest ? `round ${lowest}` : `rounds ${lowest} to ${highest}`}`;
  const places = new Set(own.map(({ at }) => (x(at) - 4).toFixed(0)));
  return s('path', { class: `${kind(step)}${isNil ? ' nil' : ''}`, d: [...places].map((place) => `M${place} ${y}a4 4 0 1 0 8 0a4 4 0 1 0-8 0`).join('') }, s('title', {}, words));
}

/**
 * The first round and the newest ones, as many as there is room for. Of a round that is longer than that its beginning,
 * or its end.
 * @param {Entry[]} entries @param {number} max @returns {{ head: Entry[], tail: Entry[], left: Entry[] }}
 */
export function folded(entries, max) {
  if (entries.length <= max) return { head: entries, tail: [], left: [] };
  const lowest = Math.min(...entries.map(({ round }) => round));
  const head = entries.filter(({ round }) => round === lowest).slice(0, Math.ceil(max / 2));
  const inHead = new Set(head);
  const rest = entries.filter((entry) => !inHead.has(entry));
  const room = max - head.length;
  /** @type {Map<number, number>} */
  const sizes = new Map();
  for (const { round } of rest) sizes.set(round, (sizes.get(round) ?? 0) + 1);
  /** @type {Set<number>} */
  const kept = new Set();
  let taken = 0;
  for (const round of [...sizes.keys()].sort((a, b) => b - a)) {
    taken += sizes.get(round) ?? 0;
    if (taken > room) break;
    kept.add(round);
  }
  const isIn = kept.size ? (/** @type {Entry} */ { round }) => kept.has(round) : (/** @type {Entry} */ _, /** @type {number} */ at) => at >= rest.length - room;
  return { head, tail: rest.filter(isIn), left: rest.filter((entry, at) => !isIn(entry, at)) };
}

/** The row that stands for entries which have none. @param {Entry[]} left @param {Entry[]} shown */
function gap(left, shown) {
  const seen = new Set(shown.map(({ round }) => round));
  /** @type {Map<number, number>} */
  const sizes = new Map();
  for (const { round } of left) sizes.set(round, (sizes.get(round) ?? 0) + 1);
  const rounds = [...sizes.keys()].sort((a, b) => a - b);
  const [lowest, highest] = [rounds[0], rounds[rounds.length - 1]];
  const range = lowest === highest ? String(lowest) : `${lowest}–${highest}`;
  if (rounds.some((round) => seen.has(round))) return ['…', `${count(left.length, 'entry', 'entries')} between`, range, '–', '–'];
  const [fewest, most] = [Math.min(...sizes.values()), Math.max(...sizes.values())];
  return ['…', `${count(rounds.length, 'round')} between`, range, `each with ${fewest === most ? '' : `${fewest} to `}${count(most, 'entry', 'entries')}`, '–'];
}

/** @param {Ctx} ctx @param {Told} told @param {number} max */
function noted(ctx, { node, name, timeline }, max) {
  const { head, tail, left } = folded(timeline.entries, max);
  const row = (/** @type {Entry} */ entry) => [
    micros(entry.at_us),
    entry.what.replace(/_/g, ' '),
    String(entry.round),
    entry.who ? (ctx.store.nameOf(entry.who) ?? short(entry.who)) : 'this node',
    /vote|precommit/.test(entry.what) ? (entry.nil ? 'nil' : 'the block') : '–',
  ];
  const rows = [...head.map(row), ...(left.length ? [gap(left, [...head, ...tail])] : []), ...tail.map(row)];
  const all = h('a', { href: `${node.base}/heights/${timeline.height}/timeline` }, 'all that the node has kept');
  const words = left.length ? h('p', { class: 'note' }, `${count(left.length, 'entry', 'entries')} of ${whole(timeline.entries.length)} ${left.length === 1 ? 'is' : 'are'} not listed: `, all, '.') : null;
  const lost = timeline.left_out ? `, and ${whole(timeline.left_out)} that the node has not kept` : '';
  return h('details', { key: name }, h('summary', {}, `${name}: ${count(timeline.entries.length, 'entry', 'entries')}${lost}`), words, table(`Entries of ${name}`, ['After', 'What', 'Round', 'Who', 'Vote'], rows, [2]));
}
