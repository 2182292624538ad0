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
  /** @type {Map<number, RoundOfVotes>} */
  const rounds = new Map();
  const powers = new Map(validators.map((validator) => [validator.address, validator.power]));
  let isDecided = false;
  for (const timeline of timelines.filter((one) => one.height === height)) {
    for (const entry of timeline.entries) {
      if (['decided', 'stored', 'caught_up'].includes(entry.what)) isDecided = true;
      const where = column(entry.what);
      const own = /_(built|signed|durable|sent)$/.test(entry.what) ? timeline.validator : null;
      const who = entry.who ?? own;
      if (!where || !who || !powers.has(who)) continue;
      const round = atRound(rounds, entry.round, validators);
      const cells = /** @type {Record<Column, Cell>} */ (round.cells.get(who));
      cells[where] = join(cells[where], entry.nil ? 'nil' : 'value');
      // A proposal is its sender's prevote as well: it sends no other.
      if (where === 'propose') cells.prevote = join(cells.prevote, 'value');
    }
  }
  for (const offence of offences) mark(offence, height, rounds, validators);
  for (const round of rounds.values()) weigh(round, powers);
  const sorted = [...rounds.values()].sort((a, b) => a.round - b.round);
  const shown = sorted.slice(-ROUNDS_SHOWN);
  const isUnderWay = shown.length > 0 && !isDecided;
  return { height, rounds: shown, left_out: sorted.length - shown.length, isDecided, isUnderWay };
}

/** @param {Map<number, RoundOfVotes>} rounds @param {number} round @param {Validator[]} validators */
function atRound(rounds, round, validators) {
  const there = rounds.get(round);
  if (there) return there;
  /** @type {[string, Record<Column, Cell>][]} */
  const empty = validators.map(({ address }) => [
    address,
    { propose: 'absent', prevote: 'absent', precommit: 'absent' },
  ]);
  const made = { round, cells: new Map(empty), power: { propose: 0, prevote: 0, precommit: 0 } };
  rounds.set(round, made);
  return made;
}

/** @param {Offence} offence @param {number} height @param {Map<number, RoundOfVotes>} rounds @param {Validator[]} validators */
function mark(offence, height, rounds, validators) {
  if (offence.height !== height) return;
  const cells = atRound(rounds, offence.round, validators).cells.get(offence.validator);
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
