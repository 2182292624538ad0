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

/** Entries that are drawn of a node: what one node notes of some rounds. */
const DRAWN_MAX = 400;
const LINE = 20;
const LABEL = 170;
const WIDTH = 1000;
/** What everybody's line has, in order; votes of others are marks on the line of polka and decision. */
const STEPS = ['began', 'round_began', 'proposal_built', 'proposal_signed', 'proposal_durable', 'proposal_sent', 'proposal_received', 'proposal_verified', 'executed', 'prevote_signed', 'prevote_durable', 'prevote_sent', 'prevote_received', 'polka', 'precommit_signed', 'precommit_durable', 'precommit_sent', 'precommit_received', 'timeout', 'decided', 'stored', 'caught_up'];

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
  /** @type {{ name: string, place: number, timeline: Timeline }[]} */
  const there = [];
  const missing = known.filter((node) => !node.isHere).map((node) => `${ctx.store.nameOfNode(node)} does not answer`);
  for (const { node, read } of reads) {
    const who = node.status?.validator ?? null;
    const name = ctx.store.nameOfNode(node);
    if (read.value === undefined) {
      missing.push(`${name}: ${read.error ? read.error.message : 'asked'}`);
    } else {
      there.push({ name, place: ctx.store.isKnownAs(node, who) ? ctx.store.placeOf(who) : -1, timeline: read.value });
    }
  }
  return [
    choose(newest, height),
    panel(
      `Height ${whole(height)}`,
      there.length ? waterfall(ctx, there) : empty('No node has a timeline of this height: 256 heights are kept, and not by every build.'),
      missing.length ? h('p', { class: 'note below' }, `Not shown: ${missing.join('; ')}.`) : null,
    ),
    there.length ? panel('All that was noted', there.map(({ name, timeline }) => noted(ctx, name, timeline))) : null,
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

/** When the proposal passed from one node to another, by this node's time. @param {Timeline} timeline */
export function anchor(timeline) {
  const sent = timeline.entries.find(({ what }) => what === 'proposal_sent');
  const got = timeline.entries.find(({ what }) => what === 'proposal_received');
  return (sent ?? got ?? timeline.entries[0])?.at_us ?? 0;
}

/** @param {string} what */
function kind(what) {
  return what.split('_')[0];
}

/** @typedef {Entry & { at: number }} Moved an entry, and how long after the proposal it was */

/** @param {Ctx} ctx @param {{ name: string, place: number, timeline: Timeline }[]} all */
function waterfall(ctx, all) {
  const moved = all.map(({ name, place, timeline }) => {
    const zero = anchor(timeline);
    const entries = timeline.entries.slice(0, DRAWN_MAX).map((entry) => ({ ...entry, at: entry.at_us - zero }));
    // A height begins long before there is something to do: that wait is left out.
    return { name, place, entries: entries.filter((entry) => !['began', 'round_began'].includes(entry.what) || entry.at > -20_000) };
  });
  const times = moved.flatMap(({ entries }) => entries.map(({ at }) => at));
  const [first, last] = [Math.min(0, ...times), Math.max(1, ...times)];
  return [
    h('p', { class: 'note' }, 'Nodes are laid beside each other at the proposal: sent by its proposer, received by the others. Their wall clocks differ, so the time on the way is not shown. A figure is the time from the proposal to the last mark of its line.'),
    h('div', { class: 'waterfalls' }, moved.map(({ name, place, entries }) => chart(ctx, name, place, entries, first, last))),
  ];
}

/** What one node did, on the same scale as the others. @param {Ctx} ctx @param {string} name @param {number} place @param {Moved[]} entries @param {number} first @param {number} last */
function chart(ctx, name, place, entries, first, last) {
  const x = (/** @type {number} */ at) => LABEL + 10 + ((at - first) * (WIDTH - 90)) / (last - first);
  const decided = entries.find(({ what }) => what === 'decided');
  const outcome = decided ? `decided ${micros(Math.abs(decided.at))} after the proposal` : 'not decided';
  const steps = STEPS.filter((step) => entries.some(({ what }) => what === step));
  const lines = steps.flatMap((step, at) => line(ctx, step, entries.filter(({ what }) => what === step), x, 58 + at * LINE));
  const height = 56 + steps.length * LINE;
  const label = `What ${name} did, from ${micros(-first)} before the proposal to ${micros(last)} after it: ${outcome}`;
  const title = [s('rect', { class: colour(place), x: 0, y: 3, width: 11, height: 11, rx: 2 }), s('text', { class: 'name', x: 18, y: 13 }, name), s('text', { class: 'at', x: 18 + name.length * 8.5 + 12, y: 13 }, outcome)];
  return h(
    'div',
    { class: 'scroll', role: 'group', 'aria-label': `Waterfall of ${name}`, tabindex: 0, key: name },
    s('svg', { class: 'waterfall', viewBox: `0 0 ${LABEL + WIDTH + 10} ${height}`, role: 'img', 'aria-label': label }, axis(first, last, x), title, lines),
  );
}

/** @param {Ctx} ctx @param {string} step @param {Moved[]} own @param {(at: number) => number} x @param {number} y @returns {Child[]} */
function line(ctx, step, own, x, y) {
  const until = own[own.length - 1].at;
  const [begin, end] = [x(own[0].at), x(until)];
  return [
    s('line', { class: 'rail', x1: LABEL, x2: LABEL + WIDTH, y1: y, y2: y }),
    s('text', { class: 'step', x: 18, y: y + 4 }, step.replace('_', ' ')),
    s('rect', { class: `span ${kind(step)}`, x: begin.toFixed(1), y: y - 4, width: Math.max(1, end - begin).toFixed(1), height: 8, rx: 2 }),
    own.slice(0, 130).map((entry) => dot(ctx, entry, x(entry.at), y)),
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

/** @param {Ctx} ctx @param {string} name @param {Timeline} timeline */
function noted(ctx, name, timeline) {
  const rows = timeline.entries.slice(0, DRAWN_MAX).map((entry) => [
    micros(entry.at_us),
    entry.what.replace(/_/g, ' '),
    String(entry.round),
    entry.who ? (ctx.store.nameOf(entry.who) ?? short(entry.who)) : 'this node',
    /vote|precommit/.test(entry.what) ? (entry.nil ? 'nil' : 'the block') : '–',
  ]);
  const left = timeline.left_out + Math.max(0, timeline.entries.length - DRAWN_MAX);
  return h('details', { key: name }, h('summary', {}, `${name}: ${count(timeline.entries.length, 'entry', 'entries')}${left ? `, ${left} left out` : ''}`), table(`Entries of ${name}`, ['After', 'What', 'Round', 'Who', 'Vote'], rows, [2]));
}
