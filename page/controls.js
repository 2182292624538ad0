// What may be done to a devnet: the requests, what came of them, and the `curl` line that does the same.
import { ask, asNoAnswer } from './api.js';
import { clock } from './format.js';

/** @typedef {import('./store.js').Store} Store */

/** A tick waits until all nodes have the block. */
const PATIENCE_MS = 30_000;
const OUTCOMES_MAX = 6;

/** The `curl` line of a request. @param {string} base @param {string} path @param {unknown} body */
export function curl(base, path, body) {
  const json = JSON.stringify(body).replace(/'/g, "'\\''");
  return `curl -X POST ${base}${path} -H 'Content-Type: application/json' -d '${json}'`;
}

/** What an order's answer says besides that it is done. @param {any} answer */
function wordsOf(answer) {
  if (typeof answer?.transaction === 'string') return 'handed in';
  if (Number.isSafeInteger(answer?.snapshot)) return `snapshot ${answer.snapshot} is being taken`;
  if (Number.isSafeInteger(answer?.time_ms)) return `the devnet's clock says ${clock(answer.time_ms)}`;
  return Number.isSafeInteger(answer?.turn) ? 'under way: all nodes stop for it' : 'done';
}

export class Controls {
  /** @param {Store} store @param {() => void} changed */
  constructor(store, changed) {
    this.store = store;
    this.changed = changed;
    /** @type {{ path: string, words: string, isGood: boolean, transaction: string | null }[]} newest first */
    this.outcomes = [];
    this.underWay = 0;
    /** What was chosen in forms, by its name. @type {Map<string, string>} */
    this.chosen = new Map();
  }

  /** Of the named nodes that answer the first: any of a devnet takes orders for all. */
  base() {
    const { store } = this;
    return [...store.nodes.values()].find((node) => node.isHere && store.isNamed(node))?.base ?? store.home;
  }

  /** @param {string} path @param {Record<string, unknown>} body */
  async order(path, body) {
    this.underWay += 1;
    this.changed();
    try {
      const answer = await ask(this.base(), path, { body, patienceMs: PATIENCE_MS });
      const transaction = typeof answer?.transaction === 'string' ? answer.transaction : null;
      this.note(path, wordsOf(answer), true, transaction);
    } catch (thrown) {
      const refused = asNoAnswer(thrown);
      const code = refused.code ? `${refused.code}: ` : '';
      this.note(path, `${code}${refused.message}`, false, null);
    }
    this.underWay -= 1;
    this.changed();
  }

  /** @param {string} path @param {string} words @param {boolean} isGood @param {string | null} transaction */
  note(path, words, isGood, transaction) {
    this.outcomes.unshift({ path, words, isGood, transaction });
    this.outcomes.length = Math.min(this.outcomes.length, OUTCOMES_MAX);
  }
}
