// The first view: is the chain alive, who is down, and why; who has voted what; the newest blocks.
import { h, remembered } from '../dom.js';
import { ago, count, micros, quantile, rate, short, span, whole } from '../format.js';
import { byName, colour, empty, noBlock, panel } from '../parts.js';
import { to } from '../router.js';
import { bars, quorum, vote } from '../svg.js';
import { votes } from '../votes.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */
/** @typedef {import('../rows.js').Row} Row */
/** @typedef {import('../votes.js').Votes} Votes */
/** @typedef {import('../votes.js').Column} Column */

const STRIP = 60;
const SPARK = 120;
/** How far behind the newest height one may be whose votes are shown: the newest of which all nodes have told. */
const HEIGHTS_BACK = 6;
/** @type {Column[]} */
const COLUMNS = ['propose', 'prevote', 'precommit'];

/** @param {Ctx} ctx @returns {Child[]} */
export function draw(ctx) {
  const { all, said } = ctx.judged();
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

const figure = remembered((/** @type {string} */ name, /** @type {string} */ value, /** @type {string} */ under, /** @type {string} */ kind) =>
  h('div', { class: `figure ${kind}` }, h('dt', {}, name), h('dd', {}, h('span', { class: 'value' }, value), h('span', { class: 'under' }, under))));

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
      figure('Blocks', rate(lead?.blockRate() ?? store.chain.blockRate()), 'a second', ''),
      figure('Transactions', rate(store.chain.transactionRate()), 'a second', ''),
      figure('Commit p50', micros(quantile(durations, 0.5)), durations.length ? 'proposal to decision' : 'no timeline kept', ''),
      figure('Commit p99', micros(quantile(durations, 0.99)), durations.length ? `of ${count(durations.length, 'height')}` : 'no timeline kept', ''),
      figure('Chain', status ? String(status.chain_id) : '–', status ? `${status.scheme}, ${short(status.genesis_hash)}` : '', ''),
    ),
    h(
      'figure',
      { class: 'spark' },
      bars(intervals, SPARK, `Intervals between the newest ${intervals.length + 1} blocks`),
      h('figcaption', {}, intervals.length ? `Time between the newest ${intervals.length + 1} blocks: mostly ${span(middle)}, at most ${span(Math.max(...intervals))}` : 'No two blocks have come yet.'),
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
  for (let height = newest; height > Math.max(0, newest - HEIGHTS_BACK); height -= 1) {
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
        top(rounds.map(({ round }) => round).join()),
        h('tbody', { role: 'rowgroup' }, all.map((row) => line(row, names))),
        rounds.length ? foot(ctx, names) : null,
      ),
    ),
    MARKS,
    MEANINGS,
  );
}

/** @type {[import('../votes.js').Cell, string][]} */
const OF_MARKS = [['value', 'for the block'], ['nil', 'for nil'], ['absent', 'none seen'], ['both', 'two that differ: an offence']];
const MARKS = h('p', { class: 'legend' }, OF_MARKS.map(([cell, meaning]) => h('span', {}, vote(cell, ''), ` ${meaning}`)));
const MEANINGS = h('p', { class: 'note below' }, 'Root “=”: the node has the state that the chain has at its height. Missed: of its turns to propose, in the newest 100 blocks, those that brought no block.');

/** The names of the columns; those of the votes once for each round. */
const top = remembered((/** @type {string} */ listed) => {
  const rounds = listed ? listed.split(',') : [];
  const head = [['Validator', 'who'], ['State', 'state'], ['Height', 'number'], ['Root', 'root'], ['Power', 'number'], ['Missed', 'number']];
  const name = (/** @type {string} */ kind, /** @type {string} */ words) => h('th', { scope: 'col', role: 'columnheader', class: kind }, words);
  const above = h('tr', { class: 'rounds', role: 'row' }, h('td', { colspan: 6, role: 'cell' }), rounds.map((round) => h('th', { colspan: 3, scope: 'colgroup', role: 'columnheader' }, `round ${round}`)));
  return h('thead', { role: 'rowgroup' }, rounds.length ? above : null, h('tr', { role: 'row' }, head.map(([words, kind]) => name(kind, words)), rounds.map(() => COLUMNS.map((words) => name('cell', words)))));
});

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
  const missed = row.missed === null ? '–' : `${row.missed} of ${row.of}`;
  return h(
    'tr',
    { class: `row ${row.tone}`, role: 'row', key: row.address || row.name },
    who(row.place, row.address, row.name),
    state(row.tone, row.state, row.why),
    number('height', row.height === null ? '–' : whole(row.height)),
    root(row.root),
    number('power', row.power === null ? '–' : whole(row.power)),
    number('missed', missed),
    names.map(({ round, name }) => voted(name, round.round, round.cells.get(row.address)?.[name] ?? 'absent')),
  );
}

const who = remembered((/** @type {number} */ place, /** @type {string} */ address, /** @type {string} */ name) =>
  h('th', { scope: 'row', role: 'rowheader', class: 'who' }, h('span', { class: `chip ${colour(place)}`, 'aria-hidden': 'true' }), h('a', { href: to('account', address) }, name), h('span', { class: 'hash' }, name === short(address) ? '' : short(address))));

const state = remembered((/** @type {string} */ tone, /** @type {string} */ word, /** @type {string} */ why) =>
  h('td', { class: 'state', role: 'cell' }, h('span', { class: `badge ${tone}` }, word), why ? h('span', { class: 'why' }, why) : null));

const number = remembered((/** @type {string} */ label, /** @type {string} */ value) =>
  h('td', { class: 'number', role: 'cell' }, h('span', { class: 'label' }, `${label} `), value));

const ROOTS = { equal: ['=', 'equal'], other: ['≠', 'another state'], unknown: ['·', 'not known'] };
const root = remembered((/** @type {Row['root']} */ is) => {
  const [sign, meaning] = ROOTS[is];
  return h('td', { class: `root ${is}`, role: 'cell' }, h('span', { class: 'label' }, 'root '), h('span', { title: meaning }, h('span', { 'aria-hidden': 'true' }, sign), h('span', { class: 'unseen' }, meaning)));
});

const VOTES = { absent: 'nothing', nil: 'nil', value: 'the block', both: 'two different ones' };
const voted = remembered((/** @type {Column} */ name, /** @type {number} */ round, /** @type {import('../votes.js').Cell} */ cell) =>
  h('td', { class: `cell of-${name}`, role: 'cell' }, h('span', { class: 'label' }, name), vote(cell, `${name}, round ${round}: ${VOTES[cell]}`)));

/** @param {Ctx} ctx @param {{ round: import('../votes.js').RoundOfVotes, name: Column }[]} names */
function foot(ctx, names) {
  const total = ctx.store.validators?.total_power ?? 0;
  return h('tfoot', { role: 'rowgroup' }, h('tr', { role: 'row' }, ofPower(total), names.map(({ round, name }) => reached(name, round.round, name === 'propose' ? 0 : round.power[name], total))));
}

const ofPower = remembered((/** @type {number} */ total) => h('th', { scope: 'row', role: 'rowheader', colspan: 6 }, `Power of ${whole(total)}; the mark is two thirds`));

const reached = remembered((/** @type {Column} */ name, /** @type {number} */ round, /** @type {number} */ power, /** @type {number} */ total) => {
  if (name === 'propose') return h('td', { class: 'cell of-propose', role: 'cell' });
  return h('td', { class: 'cell', role: 'cell' }, h('span', { class: 'label' }, `${name}s`), quorum(power, total, `${name}s of round ${round}: ${power} of ${total}`));
});

const place = remembered((/** @type {number} */ height, /** @type {string} */ kind, /** @type {string} */ words) =>
  h('li', { key: String(height) }, h('a', { href: to('block', height), class: kind, title: words, 'aria-label': words })));

/** @param {Ctx} ctx */
function strip(ctx) {
  const { store } = ctx;
  const blocks = store.chain.blocks.slice(-STRIP);
  if (!blocks.length) return noBlock(ctx);
  const set = store.validators?.validators ?? [];
  return h(
    'div',
    {},
    h(
      'ol',
      { class: 'strip', 'aria-label': `The newest ${blocks.length} blocks` },
      blocks.map((block) => {
        const index = store.placeOf(block.proposer);
        const who = store.nameOf(block.proposer) ?? short(block.proposer);
        const round = block.round ? `, round ${block.round}` : '';
        const words = `block ${block.height} by ${who}${round}, ${block.transactions} transactions`;
        const kind = `${colour(index)}${block.round ? ' late' : ''}${block.transactions ? ' full' : ''}`;
        return place(block.height, kind, words);
      }),
    ),
    h('p', { class: 'legend' }, byName(store, set).slice(0, 16).map((one) => chip(colour(one.index), store.nameOf(one.address) ?? short(one.address))), chip('late', 'round 1 or later'), chip('full', 'with transactions')),
  );
}

const chip = remembered((/** @type {string} */ kind, /** @type {string} */ words) => h('span', {}, h('span', { class: `chip ${kind}`, 'aria-hidden': 'true' }), words));
