// One height as a waterfall: what each node did when, side by side.
//
// Wall clocks of nodes differ, so their lines are laid beside each other at the proposal: its proposer's "sent" is
// every other node's "received". The time of the way is not in it, and the page says so.
import { h, s } from '../dom.js';
import { micros, short, whole } from '../format.js';
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
  if (asked === undefined) return [choose(newest, null), panel('Which height', recent(newest))];
  const height = /^[0-9]{1,15}$/.test(asked) ? Number(asked) : null;
  if (height === null || height < 1) return [choose(newest, null), empty('That is no height.')];
  const nodes = [...ctx.store.nodes.values()].filter((node) => node.isHere);
  const every = height > newest ? 1000 : 0;
  const reads = nodes.map((node) => ({ node, read: ctx.reads.get(node.base, `/heights/${height}/timeline`, every) }));
  /** @type {{ name: string, place: number, timeline: Timeline }[]} */
  const there = [];
  /** @type {string[]} */
  const missing = [];
  for (const { node, read } of reads) {
    const who = node.status?.validator ?? null;
    const name = ctx.store.nameOf(who) ?? short(who);
    if (read.value === undefined) {
      missing.push(`${name}: ${read.error ? read.error.message : 'asked'}`);
    } else {
      there.push({ name, place: ctx.store.placeOf(who), timeline: shapes.timeline(read.value) });
    }
  }
  return [
    choose(newest, height),
    panel(
      `Height ${whole(height)}`,
      there.length ? waterfall(ctx, there) : empty('No node has a timeline of this height: 256 heights are kept, and not by every build.'),
      missing.length ? h('p', { class: 'note' }, missing.join('; ')) : null,
    ),
    there.map(({ name, timeline }) => panel(`All that ${name} noted`, noted(ctx, timeline))),
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

/** @param {number} newest */
function recent(newest) {
  const heights = Array.from({ length: Math.min(newest, 40) }, (_, at) => newest - at);
  if (!heights.length) return empty('There is no height yet.');
  return h('ul', { class: 'tags' }, heights.map((height) => h('li', {}, h('a', { href: to('timeline', height) }, whole(height)))));
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
  const scale = (WIDTH - 20) / (last - first);
  const x = (/** @type {number} */ at) => LABEL + 10 + (at - first) * scale;
  let y = 26;
  /** @type {Child[]} */
  const drawn = axis(first, last, x);
  for (const { name, place, entries } of moved) {
    drawn.push(s('text', { class: 'name', x: 0, y: y + 14 }, name), s('rect', { class: colour(place), x: LABEL - 14, y: y + 4, width: 10, height: 10, rx: 2 }));
    const steps = STEPS.filter((step) => entries.some(({ what }) => what === step));
    for (const step of steps) {
      const own = entries.filter(({ what }) => what === step);
      drawn.push(s('line', { class: 'rail', x1: LABEL, x2: LABEL + WIDTH, y1: y + LINE + 10, y2: y + LINE + 10 }));
      drawn.push(s('text', { class: 'step', x: 12, y: y + LINE + 14 }, step.replace('_', ' ')));
      const [begin, end] = [x(own[0].at), x(own[own.length - 1].at)];
      drawn.push(s('rect', { class: `span ${kind(step)}`, x: begin.toFixed(1), y: y + LINE + 6, width: Math.max(1, end - begin).toFixed(1), height: 8, rx: 2 }));
      own.slice(0, 130).forEach((entry) => drawn.push(dot(ctx, entry, x(entry.at), y + LINE + 10)));
      drawn.push(s('text', { class: 'at', ...(end > LABEL + WIDTH - 90 ? { x: (begin - 8).toFixed(1), 'text-anchor': 'end' } : { x: (end + 9).toFixed(1) }), y: y + LINE + 14 }, micros(Math.abs(own[own.length - 1].at))));
      y += LINE;
    }
    y += LINE + 12;
  }
  const label = `What ${moved.map(({ name }) => name).join(', ')} did, from ${micros(-first)} before the proposal to ${micros(last)} after it`;
  return [
    h('p', { class: 'note' }, 'Nodes are laid beside each other at the proposal: sent by its proposer, received by the others. Their wall clocks differ, so the time on the way is not shown.'),
    h('div', { class: 'scroll', role: 'group', 'aria-label': 'Waterfall', tabindex: 0 }, s('svg', { class: 'waterfall', viewBox: `0 0 ${LABEL + WIDTH + 10} ${y}`, width: LABEL + WIDTH + 10, height: y, role: 'img', 'aria-label': label }, drawn)),
  ];
}

/** @param {number} first @param {number} last @param {(at: number) => number} x @returns {Child[]} */
function axis(first, last, x) {
  const step = 10 ** Math.floor(Math.log10((last - first) / 2));
  const wide = (last - first) / step > 10 ? step * 5 : step;
  const drawn = [];
  for (let at = Math.ceil(first / wide) * wide, lines = 0; at <= last && lines < 30; at += wide, lines += 1) {
    drawn.push(s('line', { class: at === 0 ? 'tick zero' : 'tick', x1: x(at).toFixed(1), x2: x(at).toFixed(1), y1: 16, y2: 9999 }));
    drawn.push(s('text', { class: 'at', x: x(at).toFixed(1), y: 11, 'text-anchor': 'middle' }, at === 0 ? 'proposal' : `${at < 0 ? '−' : '+'}${micros(Math.abs(at))}`));
  }
  return drawn;
}

/** @param {Ctx} ctx @param {Entry} entry @param {number} x @param {number} y */
function dot(ctx, entry, x, y) {
  const who = entry.who ? ` of ${ctx.store.nameOf(entry.who) ?? short(entry.who)}` : '';
  const words = `${entry.what.replace('_', ' ')}${who}, round ${entry.round}${entry.nil ? ', nil' : ''}: ${micros(entry.at_us)} after the height began`;
  return s('circle', { class: `${kind(entry.what)}${entry.nil ? ' nil' : ''}`, cx: x.toFixed(1), cy: y, r: 4 }, s('title', {}, words));
}

/** @param {Ctx} ctx @param {Timeline} timeline */
function noted(ctx, timeline) {
  const rows = timeline.entries.slice(0, DRAWN_MAX).map((entry) => [
    micros(entry.at_us),
    entry.what.replace(/_/g, ' '),
    String(entry.round),
    entry.who ? (ctx.store.nameOf(entry.who) ?? short(entry.who)) : 'this node',
    /vote|precommit/.test(entry.what) ? (entry.nil ? 'nil' : 'the block') : '–',
  ]);
  const left = timeline.left_out + Math.max(0, timeline.entries.length - DRAWN_MAX);
  return h('details', {}, h('summary', {}, `${timeline.entries.length} entries${left ? `, ${left} left out` : ''}`), table('Entries', ['After', 'What', 'Round', 'Who', 'Vote'], rows));
}
