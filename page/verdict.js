// One sentence about the chain: whether it is alive, who is down, why it stands.
import { ago, list, whole } from './format.js';

/** @typedef {import('./store.js').Store} Store */
/** @typedef {import('./rows.js').Row} Row */
/** @typedef {{ tone: 'good' | 'warn' | 'bad' | 'dim', headline: string, reasons: string[], ageMs: number | null, isStill: boolean }} Verdict */

/** A chain stands still after so many intervals without a block, but not before this time. */
const STILL_INTERVALS = 3;
const STILL_MIN_MS = 3000;
/** Of the time since a node has answered no more says that nothing has come: a page that was hidden has asked nobody. */
const UNHEARD_MAX_MS = 1500;

/**
 * Milliseconds since the newest block, by the clock of the node that knows of the newest one: another may be late to say so.
 * @param {Store} store @param {number} now @param {number} [unheardMax] of the time since anybody has answered so much counts
 * @returns {number | null}
 */
export function blockAge(store, now, unheardMax = Infinity) {
  if (!store.lead()?.status?.height) return null;
  const tellers = store.tellers();
  const until = Math.min(now, Math.max(...tellers.map(({ seenAt }) => seenAt ?? 0)) + unheardMax);
  const ages = tellers.flatMap(({ status, seenAt }) => {
    if (!status?.height || seenAt === null) return [];
    return Math.max(0, status.time - status.latest_block_time + until - seenAt);
  });
  return Math.min(...ages);
}

/** @param {Store} store @param {Row[]} rows @param {number} now @returns {Verdict} */
export function verdict(store, rows, now) {
  const lead = store.lead();
  if (!lead?.status) return nobody(store, now);
  const said = judged(store, lead.status, rows, now);
  if (store.isNamed(lead)) return said;
  // A stranger's word is all there is, and it is said so beside every title.
  const home = store.nodes.get(store.home)?.trouble?.message;
  const why = `The node that this page came from does not answer${home ? `: ${home}` : ''}. All figures are those that ${lead.base} gives, which somebody has listed.`;
  return { ...said, tone: said.tone === 'bad' ? 'bad' : 'warn', headline: `${lead.base} says: ${said.headline}`, reasons: [why, ...said.reasons] };
}

/** @param {Store} store @param {import('./shapes.js').Status} status of the node that leads @param {Row[]} rows @param {number} now @returns {Verdict} */
function judged(store, status, rows, now) {
  const lead = store.lead();
  const ageMs = blockAge(store, now);
  const isManual = store.isDevnet === true && store.devnet?.pace_ms === null;
  const interval = store.intervalMs ?? 1000;
  const limit = Math.max(STILL_MIN_MS, STILL_INTERVALS * interval);
  const isStill = (blockAge(store, now, UNHEARD_MAX_MS) ?? 0) > limit;
  const height = Math.max(status.height, store.chain.blocks.at(-1)?.height ?? 0);
  const power = reachable(store, rows);
  const reasons = troubles(store, rows);
  if (status.halted) {
    const name = store.nameOf(status.validator) ?? 'this node';
    const others = troubles(store, rows.filter((row) => row.node !== lead));
    return { tone: 'bad', headline: `${name[0].toUpperCase()}${name.slice(1)} has halted.`, reasons: [sentence(status.halted), ...others], ageMs, isStill: true };
  }
  if (height === 0 && !isStill) {
    const headline = isManual ? 'No block yet: one is made by hand.' : 'No block yet: the first is being decided.';
    return { tone: reasons.length ? 'warn' : 'dim', headline, reasons, ageMs, isStill: false };
  }
  if (isStill && isManual && power.isEnough && !store.devnet?.groups) {
    return { tone: 'dim', headline: `Block ${whole(height)} is the newest: the next ${store.devnet?.on_demand ? 'comes with a transaction' : 'is made by hand'}.`, reasons, ageMs, isStill: false };
  }
  if (isStill) {
    const headline = `The chain stands still: no block for ${ago(ageMs)}.`;
    return { tone: 'bad', headline, reasons: [...stillReasons(store, power), ...reasons], ageMs, isStill };
  }
  if (reasons.length) {
    const away = rows.filter((row) => row.place >= 0 && row.tone === 'bad').map((row) => row.name);
    const unwell = rows.filter((row) => row.tone === 'bad' || row.tone === 'warn' || row.root === 'other').map((row) => row.name);
    const remark = unwell.length ? `, but not all is well with ${list(unwell)}` : ', with a remark';
    const headline = away.length ? `The chain goes on without ${list(away)}.` : `The chain is alive${remark}.`;
    return { tone: 'warn', headline, reasons: away.length ? [...reasons, ...spare(rows, power)] : reasons, ageMs, isStill };
  }
  const all = rows.filter((row) => row.place >= 0).length;
  const voters = all ? [`All ${whole(all)} validators take part.`] : [];
  return { tone: 'good', headline: 'The chain is alive.', reasons: voters, ageMs, isStill };
}

/** @param {Store} store @param {number} now @returns {Verdict} */
function nobody(store, now) {
  const nodes = [...store.nodes.values()];
  if (nodes.every((node) => node.failures === 0)) {
    return { tone: 'dim', headline: 'Asking the node…', reasons: [], ageMs: null, isStill: false };
  }
  const since = Math.max(...nodes.map((node) => (node.awaySince === null ? 0 : now - node.awaySince)));
  const reasons = [...new Set(nodes.map((node) => node.trouble?.message ?? '').filter(Boolean))];
  const headline = since > 0 ? `No node answers, for ${ago(since)}.` : 'No node answers.';
  return { tone: 'bad', headline, reasons, ageMs: null, isStill: true };
}

/** @param {Store} store @param {Row[]} rows */
function reachable(store, rows) {
  const total = store.validators?.total_power ?? 0;
  const there = rows.filter((row) => row.place >= 0 && !['bad', 'dim'].includes(row.tone));
  const power = there.reduce((sum, row) => sum + (row.power ?? 0), 0);
  return { power, total, isEnough: total === 0 || power * 3 > total * 2 };
}

/** How near the chain is to a halt. @param {Row[]} rows @param {{ power: number, total: number, isEnough: boolean }} power */
function spare(rows, power) {
  if (!power.isEnough || power.total === 0) return [];
  const there = rows.filter((row) => row.place >= 0 && !['bad', 'dim'].includes(row.tone)).map((row) => row.power ?? 0);
  const isLast = (power.power - Math.max(0, ...there)) * 3 <= power.total * 2;
  return [`${whole(power.power)} of ${whole(power.total)} power takes part; a block needs more than two thirds${isLast ? ': if one more falls, the chain may stand still' : ''}.`];
}

/** With a full stop. @param {string} words */
function sentence(words) {
  return /[.!?]$/.test(words) ? words : `${words}.`;
}

/** @param {Store} store @param {{ power: number, total: number, isEnough: boolean }} power */
function stillReasons(store, power) {
  const reasons = [];
  const groups = store.devnet?.groups;
  if (groups) {
    const sides = groups.map((side) => side.join(', ')).join(' | ');
    reasons.push(`The network is cut: nodes ${sides}. A block needs more than two thirds of the power on one side.`);
  }
  if (!power.isEnough) {
    reasons.push(`Only ${whole(power.power)} of ${whole(power.total)} power takes part; a block needs more than two thirds.`);
  }
  const waiting = store.lead()?.status?.waiting_for;
  const missing = waiting?.prevotes.length ? waiting.prevotes : (waiting?.precommits ?? []);
  if (missing.length) {
    const names = missing.map((address) => store.nameOf(address) ?? address.slice(0, 10)).sort();
    const what = waiting?.prevotes.length ? 'prevotes' : 'precommits';
    reasons.push(`Missing ${what}: ${list(names)}.`);
  }
  return reasons;
}

/** @param {Store} store @param {Row[]} rows */
function troubles(store, rows) {
  const told = rows
    .filter((row) => row.tone === 'bad' || row.tone === 'warn')
    // It votes, it catches up; it is down.
    .map((row) => sentence(`${row.name} ${/^[a-z]+s\b/.test(row.state) ? '' : 'is '}${row.state}${row.why ? `: ${row.why}` : ''}`));
  for (const row of rows.filter((row) => row.root === 'other')) {
    told.push(`${row.name} has another state at height ${whole(row.height ?? 0)}.`);
  }
  if (store.evidence?.forks.length) told.push('A fork is known: see Evidence.');
  return told.slice(0, 12);
}
