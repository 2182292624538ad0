// The first view: is the chain alive, who is down, and why; who has voted what; the newest blocks.
import { h, keeper } from '../dom.js';
import { ago, count, micros, quantile, rate, short, whole } from '../format.js';
import { byName, colour, empty, panel } from '../parts.js';
import { to } from '../router.js';
import { rows } from '../rows.js';
import { bars, quorum, vote } from '../svg.js';
import { verdict } from '../verdict.js';
import { votes } from '../votes.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */
/** @typedef {import('../rows.js').Row} Row */
/** @typedef {import('../votes.js').Votes} Votes */
/** @typedef {import('../votes.js').Column} Column */

const STRIP = 60;
const SPARK = 120;
/** @type {Column[]} */
const COLUMNS = ['propose', 'prevote', 'precommit'];

/** @param {Ctx} ctx @returns {Child[]} */
export function draw(ctx) {
  const all = rows(ctx.store, ctx.now);
  const said = verdict(ctx.store, all, ctx.now);
  return [
    banner(said),
    figures(ctx, said),
    panel('Validators', matrix(ctx, all)),
    panel('Newest blocks', strip(ctx)),
  ];
}

/** @param {import('../verdict.js').Verdict} said */
function banner(said) {
  return h(
    'section',
    { class: `banner ${said.tone}`, 'aria-label': 'State of the chain' },
    h('span', { class: 'lamp', 'aria-hidden': 'true' }),
    h('div', {}, h('p', { class: 'headline' }, said.headline), h('ul', { class: 'reasons' }, said.reasons.map((reason) => h('li', {}, reason)))),
  );
}

/** @param {string} name @param {Child} value @param {Child} [under] @param {string} [kind] */
function figure(name, value, under = '', kind = '') {
  return h('div', { class: `figure ${kind}` }, h('dt', {}, name), h('dd', {}, h('span', { class: 'value' }, value), h('span', { class: 'under' }, under)));
}

/** @param {Ctx} ctx @param {import('../verdict.js').Verdict} said */
function figures(ctx, said) {
  const { store } = ctx;
  const lead = store.lead();
  const status = lead?.status ?? null;
  const height = Math.max(status?.height ?? 0, store.chain.blocks.at(-1)?.height ?? 0);
  const durations = [...store.chain.durations.values()];
  const step = status?.step ? `round ${status.round}, ${status.step}` : status?.round ? `round ${status.round}` : 'waits for the next';
  const intervals = store.chain.intervals(SPARK);
  const middle = quantile(intervals, 0.5);
  return h(
    'div',
    { class: 'head' },
    h(
      'dl',
      { class: 'figures' },
      figure('Height', status ? whole(height) : '–', step, 'large'),
      figure('Last block', said.ageMs === null ? '–' : ago(said.ageMs), 'ago', said.isStill ? 'bad' : ''),
      figure('Blocks', rate(lead?.blockRate() ?? store.chain.blockRate()), 'a second'),
      figure('Transactions', rate(store.chain.transactionRate()), 'a second'),
      figure('Commit p50', micros(quantile(durations, 0.5)), durations.length ? 'proposal to decision' : 'no timeline kept'),
      figure('Commit p99', micros(quantile(durations, 0.99)), durations.length ? `of ${count(durations.length, 'height')}` : 'no timeline kept'),
      figure('Chain', status ? String(status.chain_id) : '–', status ? `${status.scheme}, ${short(status.genesis_hash)}` : ''),
    ),
    h(
      'figure',
      { class: 'spark' },
      bars(intervals, SPARK, `Intervals between the newest ${intervals.length + 1} blocks`),
      h('figcaption', {}, intervals.length ? `Time between the newest ${intervals.length + 1} blocks: mostly ${ago(middle)}, at most ${ago(Math.max(...intervals))}` : 'No two blocks have come yet.'),
    ),
  );
}

/** The height whose votes are shown: the one under way if anybody has said something, else the newest. @param {Ctx} ctx @returns {Votes | null} */
export function shownVotes(ctx) {
  const { store } = ctx;
  const set = store.validators?.validators ?? [];
  const nodes = store.tellers();
  const newest = Math.max(0, ...nodes.flatMap((node) => [...node.timelines.keys()]));
  const offences = [...(store.evidence?.pending ?? []), ...(store.evidence?.committed ?? [])];
  const telling = nodes.filter((node) => node.hasTimelines);
  /** @type {Votes | null} */
  let first = null;
  for (let height = newest; height > Math.max(0, newest - 3); height -= 1) {
    const timelines = telling.flatMap((node) => node.timelines.get(height) ?? []);
    const found = votes(height, set, timelines, offences);
    // Nodes are asked one after the other: of a height that only some have told of, votes seem to be missing.
    if (found.rounds.length && timelines.length === telling.length) return found;
    if (found.rounds.length) first ??= found;
  }
  return first;
}

/** @param {Ctx} ctx @param {Row[]} all */
function matrix(ctx, all) {
  if (!all.length) return empty('The set of validators is not known yet.');
  const seen = shownVotes(ctx);
  const rounds = seen?.rounds ?? [];
  const names = rounds.flatMap((round) => COLUMNS.map((name) => ({ round, name })));
  const head = ['Validator', 'State', 'Height', 'Root', 'Power', 'Missed'];
  const kinds = ['who', 'state', 'number', 'root', 'number', 'number'];
  const top = rounds.length
    ? h('tr', { class: 'rounds', role: 'row' }, h('td', { colspan: 6, role: 'cell' }), rounds.map((round) => h('th', { colspan: 3, scope: 'colgroup', role: 'columnheader' }, `round ${round.round}`)))
    : null;
  return h(
    'div',
    {},
    h('p', { class: 'note' }, describe(ctx, seen)),
    h(
      'div',
      { class: 'scroll', role: 'group', 'aria-label': 'Validators and their votes', tabindex: 0 },
      h(
        'table',
        { class: 'matrix', role: 'table' },
        h('caption', { class: 'unseen' }, 'Validators, their state and their votes'),
        h('thead', { role: 'rowgroup' }, top, h('tr', { role: 'row' }, head.map((name, at) => h('th', { scope: 'col', role: 'columnheader', class: kinds[at] }, name)), names.map(({ name }) => h('th', { scope: 'col', role: 'columnheader', class: 'cell' }, name)))),
        h('tbody', { role: 'rowgroup' }, all.map((row) => line(row, names))),
        rounds.length ? foot(ctx, names) : null,
      ),
    ),
    h(
      'p',
      { class: 'legend' },
      /** @type {[import('../votes.js').Cell, string][]} */ ([['value', 'for the block'], ['nil', 'for nil'], ['absent', 'none seen'], ['both', 'two that differ: an offence']]).map(([cell, meaning]) => h('span', {}, vote(cell, ''), ` ${meaning}`)),
    ),
    h('p', { class: 'note below' }, 'Root “=”: the node has the state that the chain has at its height. Missed: of its turns to propose, in the newest 100 blocks, those that brought no block.'),
  );
}

/** @param {Ctx} ctx @param {Votes | null} seen */
function describe(ctx, seen) {
  if (seen) {
    const link = h('a', { href: to('timeline', seen.height) }, `height ${whole(seen.height)}`);
    const more = seen.left_out ? `; the newest rounds, ${seen.left_out} before them are left out` : '';
    return ['Votes of ', link, seen.isDecided ? ', decided' : ', under way', more];
  }
  const kept = [...ctx.store.nodes.values()].some((node) => node.hasTimelines);
  return kept ? 'No votes are seen yet.' : 'This node keeps no timelines of its heights, so votes are not shown.';
}

/** @param {Row} row @param {{ round: import('../votes.js').RoundOfVotes, name: Column }[]} names */
function line(row, names) {
  const proposer = h('span', { class: `chip ${colour(row.place)}`, 'aria-hidden': 'true' });
  const roots = { equal: ['=', 'equal'], other: ['≠', 'another state'], unknown: ['·', 'not known'] };
  const [sign, meaning] = roots[row.root];
  const missed = row.missed === null ? '–' : `${row.missed} of ${row.of}`;
  return h(
    'tr',
    { class: `row ${row.tone}`, role: 'row', key: row.address || row.name },
    h('th', { scope: 'row', role: 'rowheader', class: 'who' }, proposer, h('a', { href: to('account', row.address) }, row.name), h('span', { class: 'hash' }, row.name === short(row.address) ? '' : short(row.address))),
    h('td', { class: 'state', role: 'cell' }, h('span', { class: `badge ${row.tone}` }, row.state), row.why ? h('span', { class: 'why' }, row.why) : null),
    h('td', { class: 'number', role: 'cell' }, h('span', { class: 'label' }, 'height '), row.height === null ? '–' : whole(row.height)),
    h('td', { class: `root ${row.root}`, role: 'cell' }, h('span', { class: 'label' }, 'root '), h('span', { title: meaning }, h('span', { 'aria-hidden': 'true' }, sign), h('span', { class: 'unseen' }, meaning))),
    h('td', { class: 'number', role: 'cell' }, h('span', { class: 'label' }, 'power '), row.power === null ? '–' : whole(row.power)),
    h('td', { class: 'number', role: 'cell' }, h('span', { class: 'label' }, 'missed '), missed),
    names.map(({ round, name }) => {
      const cell = round.cells.get(row.address)?.[name] ?? 'absent';
      const words = { absent: 'nothing', nil: 'nil', value: 'the block', both: 'two different ones' };
      return h('td', { class: `cell of-${name}`, role: 'cell' }, h('span', { class: 'label' }, name), vote(cell, `${name}, round ${round.round}: ${words[cell]}`));
    }),
  );
}

/** @param {Ctx} ctx @param {{ round: import('../votes.js').RoundOfVotes, name: Column }[]} names */
function foot(ctx, names) {
  const total = ctx.store.validators?.total_power ?? 0;
  return h(
    'tfoot',
    { role: 'rowgroup' },
    h(
      'tr',
      { role: 'row' },
      h('th', { scope: 'row', role: 'rowheader', colspan: 6 }, `Power of ${whole(total)}; the mark is two thirds`),
      names.map(({ round, name }) => {
        if (name === 'propose') return h('td', { class: 'cell of-propose', role: 'cell' });
        const power = round.power[name];
        return h('td', { class: 'cell', role: 'cell' }, h('span', { class: 'label' }, `${name}s`), quorum(power, total, `${name}s of round ${round.round}: ${power} of ${total}`));
      }),
    ),
  );
}

/** A place of the strip is described once, for as long as its block is kept. @type {WeakMap<import('../shapes.js').Block, (says: string, make: () => import('../dom.js').Piece) => import('../dom.js').Piece>} */
const places = new WeakMap();

/** @param {import('../shapes.js').Block} block */
function keep(block) {
  const kept = places.get(block) ?? keeper();
  places.set(block, kept);
  return kept;
}

/** @param {Ctx} ctx */
function strip(ctx) {
  const { store } = ctx;
  const blocks = store.chain.blocks.slice(-STRIP);
  if (!blocks.length) return empty('No block has come since this page was opened.');
  const set = store.validators?.validators ?? [];
  return h(
    'div',
    {},
    h(
      'ol',
      { class: 'strip', 'aria-label': `The newest ${blocks.length} blocks` },
      blocks.map((block) => {
        const place = store.placeOf(block.proposer);
        const who = store.nameOf(block.proposer) ?? short(block.proposer);
        const round = block.round ? `, round ${block.round}` : '';
        const words = `block ${block.height} by ${who}${round}, ${block.transactions} transactions`;
        const kind = `${colour(place)}${block.round ? ' late' : ''}${block.transactions ? ' full' : ''}`;
        return keep(block)(`${kind}: ${words}`, () => h('li', { key: String(block.height) }, h('a', { href: to('block', block.height), class: kind, title: words, 'aria-label': words })));
      }),
    ),
    h(
      'p',
      { class: 'legend' },
      byName(store, set).slice(0, 16).map((one) => h('span', {}, h('span', { class: `chip ${colour(one.index)}`, 'aria-hidden': 'true' }), store.nameOf(one.address) ?? short(one.address))),
      h('span', {}, h('span', { class: 'chip late', 'aria-hidden': 'true' }), 'round 1 or later'),
      h('span', {}, h('span', { class: 'chip full', 'aria-hidden': 'true' }), 'with transactions'),
    ),
  );
}
