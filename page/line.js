// A line to a node: one WebSocket, by which it is asked what is asked each second. A browser does a third of the work of
// a request for it, and a node knows at once that somebody hung up, as the page does.
//
// Only the nodes of a devnet have one. A browser reads a message whole, however long it is; and a line takes a place that
// a public node has for few.
import { NoAnswer, parse } from './api.js';

/** A node whose line broke, or that gave none, is asked for one again no sooner, and each time later until one answers. */
const AGAIN_MS = 15_000;
const AGAIN_MAX_MS = 300_000;
/** Half of what a request may take: it is asked next, and it alone says that a node is slow. */
const LINE_PATIENCE_MS = 450;

/** @typedef {[method: string, params: unknown[]]} Call */
/** @typedef {{ result?: any, refused?: NoAnswer }} Outcome */

const BROKEN = 'the line is broken';

/** @param {string} base where the node listens; '' is where this page came from */
function address(base) {
  return `${(base || location.origin).replace(/^http/, 'ws')}/ws`;
}

/** @param {any} answer @returns {Outcome} */
function outcome(answer) {
  if (answer && typeof answer === 'object' && 'result' in answer) return { result: answer.result };
  const error = answer?.error;
  if (typeof error?.message !== 'string') throw new NoAnswer('nonsense', 'an answer has neither result nor error');
  const code = typeof error.data?.code === 'string' ? error.data.code.slice(0, 64) : '';
  return { refused: new NoAnswer('refused', error.message.slice(0, 500), 0, code) };
}

export class Line {
  /**
   * @param {string} base
   * @param {() => void} hungUp told when it breaks that was open
   * @param {(url: string) => WebSocket} connect
   */
  constructor(base, hungUp, connect) {
    this.base = base;
    this.hungUp = hungUp;
    this.connect = connect;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.isOpen = false;
    /** When another may be asked for. */
    this.againAt = -Infinity;
    this.againMs = AGAIN_MS;
    /** Calls so far: each has a number of its own, so no answer is taken for another's. */
    this.calls = 0;
    /** @type {{ answered: (text: string) => void, broke: () => void } | null} */
    this.waiting = null;
  }

  /** Asks for a line where there is none. @param {number} now */
  want(now) {
    if (this.socket || now < this.againAt) return;
    this.againAt = now + this.againMs;
    this.againMs = Math.min(AGAIN_MAX_MS, this.againMs * 2);
    let socket;
    try {
      socket = this.connect(address(this.base));
    } catch {
      return;
    }
    this.socket = socket;
    socket.onopen = () => {
      if (this.socket === socket) this.isOpen = true;
    };
    socket.onmessage = ({ data }) => void (this.socket === socket && this.waiting?.answered(String(data)));
    socket.onclose = () => {
      if (this.socket !== socket) return;
      const wasOpen = this.isOpen;
      this.end();
      if (wasOpen) this.hungUp();
    };
  }

  /** Hangs up. */
  end() {
    const { socket, waiting } = this;
    [this.socket, this.waiting, this.isOpen] = [null, null, false];
    socket?.close();
    waiting?.broke();
  }

  /**
   * Asks all of these at once; one batch at a time.
   * @param {Call[]} calls @returns {Promise<Outcome[]>} in their order
   */
  async ask(calls) {
    const { socket } = this;
    if (!socket || !this.isOpen || this.waiting) throw new NoAnswer('unreachable', BROKEN);
    const first = (this.calls += calls.length) - calls.length;
    const body = calls.map(([method, params], at) => ({ jsonrpc: '2.0', id: first + at, method, params }));
    const outcomes = sorted(first, calls.length, await this.answer(socket, JSON.stringify(body)));
    this.againMs = AGAIN_MS;
    return outcomes;
  }

  /** @param {WebSocket} socket @param {string} text @returns {Promise<string>} */
  answer(socket, text) {
    return new Promise((answered, failed) => {
      const timer = setTimeout(() => done(() => failed(new NoAnswer('slow', 'the line is silent'))), LINE_PATIENCE_MS);
      const done = (/** @type {() => void} */ then) => {
        clearTimeout(timer);
        this.waiting = null;
        then();
      };
      this.waiting = { answered: (said) => done(() => answered(said)), broke: () => done(() => failed(new NoAnswer('unreachable', BROKEN))) };
      socket.send(text);
    });
  }
}

/** @param {number} first @param {number} count @param {string} text @returns {Outcome[]} */
function sorted(first, count, text) {
  const answers = parse(text);
  if (!Array.isArray(answers) || answers.length !== count) throw new NoAnswer('nonsense', 'the answer is to another question');
  const found = answers.map((_, at) => answers.find((one) => one?.id === first + at));
  return found.map(outcome);
}
