// How a node is asked: with a time limit, up to so many bytes, and a reason in words where there is no answer.
//
// What comes is JSON from a stranger: it is parsed, and its shape looked at where it is used (shapes.js).

/** What a request may take. */
export const PATIENCE_MS = 900;
/** The longest answer that is read: a block with the certificates of 128 validators. */
export const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
/** A certificate of 128 validators and a block full of transactions is read in this time on a slow line. */
export const LONG_PATIENCE_MS = 10_000;

/** Why there is no answer. */
export class NoAnswer extends Error {
  /**
   * @param {'unreachable' | 'slow' | 'nonsense' | 'refused'} kind
   * @param {string} message for people
   * @param {number} [status] of HTTP
   * @param {string} [code] the stable word of a refusal
   */
  constructor(kind, message, status = 0, code = '') {
    super(message);
    this.kind = kind;
    this.status = status;
    this.code = code;
  }
}

/** @param {unknown} thrown @returns {NoAnswer} */
export function asNoAnswer(thrown) {
  if (thrown instanceof NoAnswer) return thrown;
  return new NoAnswer('nonsense', `the answer cannot be used: ${String(thrown).slice(0, 200)}`);
}

/** @param {Response} response @param {number} max */
async function text(response, max) {
  const reader = response.body?.getReader();
  if (!reader) return '';
  const decoder = new TextDecoder();
  let [read, whole] = [0, ''];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return whole + decoder.decode();
    read += value.length;
    if (read > max) {
      await reader.cancel();
      throw new NoAnswer('nonsense', `the answer is longer than ${max} bytes`);
    }
    whole += decoder.decode(value, { stream: true });
  }
}

/** @param {string} body @returns {any} */
export function parse(body) {
  try {
    return JSON.parse(body);
  } catch {
    throw new NoAnswer('nonsense', 'the answer is no JSON');
  }
}

/** @param {number} status @param {string} body */
function refusal(status, body) {
  let value;
  try {
    value = JSON.parse(body);
  } catch {
    value = null;
  }
  const code = typeof value?.code === 'string' ? value.code.slice(0, 64) : '';
  const message = typeof value?.message === 'string' ? value.message.slice(0, 500) : `status ${status}`;
  return new NoAnswer('refused', message, status, code);
}

/**
 * Asks, and answers with what the JSON says.
 * @param {string} base where the node listens; '' is where this page came from
 * @param {string} path
 * @param {{ patienceMs?: number, body?: unknown, bytesMax?: number }} [options] a body makes it a POST
 * @returns {Promise<any>}
 */
export async function ask(base, path, options = {}) {
  const patience = options.patienceMs ?? PATIENCE_MS;
  const gone = new AbortController();
  const timer = setTimeout(() => gone.abort(), patience);
  try {
    const response = await fetch(base + path, {
      method: options.body === undefined ? 'GET' : 'POST',
      headers: options.body === undefined ? {} : { 'content-type': 'application/json' },
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: gone.signal,
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    });
    const body = await text(response, options.bytesMax ?? ANSWER_BYTES_MAX);
    if (!response.ok) throw refusal(response.status, body);
    return parse(body);
  } catch (thrown) {
    if (thrown instanceof NoAnswer) throw thrown;
    if (gone.signal.aborted) {
      throw new NoAnswer('slow', `no answer within ${(patience / 1000).toFixed(1)} s`);
    }
    throw new NoAnswer('unreachable', 'the connection is refused or broken');
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Calls a method of JSON-RPC.
 * @param {string} base @param {string} method @param {unknown[]} params
 * @param {{ patienceMs?: number }} [options]
 * @returns {Promise<any>}
 */
export async function call(base, method, params, options = {}) {
  const body = { jsonrpc: '2.0', id: 1, method, params };
  const answer = await ask(base, '/', { patienceMs: LONG_PATIENCE_MS, ...options, body });
  if (answer && typeof answer === 'object' && 'result' in answer) return answer.result;
  const error = answer?.error;
  const message = typeof error?.message === 'string' ? error.message.slice(0, 500) : 'no result';
  const code = typeof error?.data?.code === 'string' ? error.data.code : '';
  throw new NoAnswer('refused', message, 0, code);
}
