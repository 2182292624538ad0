// Who has proposed and voted what at one height, from the timelines of all nodes that the page asks.
//
// A vote counts as seen where its sender's node has noted that it signed it, or any node that it received it.

/** @typedef {import('./shapes.js').Timeline} Timeline */
/** @typedef {import('./shapes.js').Validator} Validator */
/** @typedef {import('./shapes.js').Offence} Offence */
/** @typedef {'absent' | 'nil' | 'value' | 'both'} Cell `both`: two different ones of one round, which is proof of misbehaviour */
/** @typedef {'propose' | 'prevote' | 'precommit'} Column */
/** @typedef {{ round: number, cells: Map<string, Record<Column, Cell>>, power: Record<Column, number> }} RoundOfVotes */
/** @typedef {{ height: number, rounds: RoundOfVotes[], left_out: number, isDecided: boolean, isUnderWay: boolean }} Votes */

/** Rounds that are drawn: the newest. */
export const ROUNDS_SHOWN = 2;

/** @param {string} what @returns {Column | null} */
function column(what) {
  if (/^prevote_(signed|durable|sent|received)$/.test(what)) return 'prevote';
  if (/^precommit_(signed|durable|sent|received)$/.test(what)) return 'precommit';
  if (/^proposal_(built|signed|durable|sent|received|verified)$/.test(what)) return 'propose';
  return null;
}

/** @param {Cell} before @param {Cell} seen @returns {Cell} */
function join(before, seen) {
  if (before === 'absent' || before === seen) return seen;
  return 'both';
}

/**
 * @param {number} height @param {Validator[]} validators @param {Timeline[]} timelines of that height
 * @param {Offence[]} [offences]
 * @returns {Votes}
 */
export function votes(height, validators, timelines, offences = []) {
  const powers = new Map(validators.map((validator) => [validator.address, validator.power]));
  const told = timelines.filter((one) => one.height === height);
  const isDecided = told.some(({ entries }) => entries.some(({ what }) => ['decided', 'stored', 'caught_up'].includes(what)));
  const said = told.flatMap((timeline) => timeline.entries.flatMap((entry) => saidBy(entry, timeline.validator, powers)));
  const proven = offences.filter((one) => one.height === height && powers.has(one.validator));
  // Cells are made of the rounds that are shown and of no other, however many a node has told of.
  const all = [...new Set([...said, ...proven].map(({ round }) => round))].sort((a, b) => a - b);
  const shown = all.slice(-ROUNDS_SHOWN).map((round) => emptyRound(round, validators));
  const rounds = new Map(shown.map((one) => [one.round, one]));
  for (const { round, who, where, cell } of said) {
    const cells = rounds.get(round)?.cells.get(who);
    if (!cells) continue;
    cells[where] = join(cells[where], cell);
    // A proposal is its sender's prevote as well: it sends no other.
    if (where === 'propose') cells.prevote = join(cells.prevote, 'value');
  }
  for (const offence of proven) mark(offence, rounds.get(offence.round)?.cells.get(offence.validator));
  for (const round of shown) weigh(round, powers);
  const isUnderWay = shown.length > 0 && !isDecided;
  return { height, rounds: shown, left_out: all.length - shown.length, isDecided, isUnderWay };
}

/**
 * What an entry says of a validator; nothing where it is none of a vote.
 * @param {import('./shapes.js').Entry} entry @param {string | null} teller @param {Map<string, number>} powers
 * @returns {{ round: number, who: string, where: Column, cell: Cell } | []}
 */
function saidBy(entry, teller, powers) {
  const where = column(entry.what);
  const own = /_(built|signed|durable|sent)$/.test(entry.what) ? teller : null;
  const who = entry.who ?? own;
  if (!where || !who || !powers.has(who)) return [];
  return { round: entry.round, who, where, cell: entry.nil ? 'nil' : 'value' };
}

/** @param {number} round @param {Validator[]} validators @returns {RoundOfVotes} */
function emptyRound(round, validators) {
  /** @type {[string, Record<Column, Cell>][]} */
  const empty = validators.map(({ address }) => [
    address,
    { propose: 'absent', prevote: 'absent', precommit: 'absent' },
  ]);
  return { round, cells: new Map(empty), power: { propose: 0, prevote: 0, precommit: 0 } };
}

/** @param {Offence} offence @param {Record<Column, Cell> | undefined} cells */
function mark(offence, cells) {
  if (!cells) return;
  if (/propos/i.test(offence.kind)) cells.propose = 'both';
  else if (/precommit/i.test(offence.kind)) cells.precommit = 'both';
  else cells.prevote = 'both';
}

/** @param {RoundOfVotes} round @param {Map<string, number>} powers */
function weigh(round, powers) {
  for (const [who, cells] of round.cells) {
    for (const where of /** @type {Column[]} */ (['propose', 'prevote', 'precommit'])) {
      if (cells[where] === 'value') round.power[where] += powers.get(who) ?? 0;
    }
  }
}

/** Microseconds from the first proposal to the decision, at one node. @param {Timeline} timeline @returns {number | null} */
export function tookUs(timeline) {
  const first = timeline.entries.find(({ what }) => /^proposal_(built|received)$/.test(what));
  const decided = timeline.entries.find(({ what }) => what === 'decided');
  if (!first || !decided) return null;
  return Math.max(0, decided.at_us - first.at_us);
}
