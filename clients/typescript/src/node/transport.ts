/**
 * Asks one node over HTTP: with a time limit, a limit on what it may answer, and a few tries where the node
 * is away or busy. All that is asked here may be asked twice.
 */
import { ArgumentError, BytesError, ConnectionError, LockstepError, RefusedError } from '../errors.js';

/** What every call takes. */
export interface CallOptions {
  /** Ends the call, with code `aborted`. */
  signal?: AbortSignal | undefined;
  /** Milliseconds for each try; by default those of the client. */
  timeoutMs?: number | undefined;
}

export interface TransportOptions {
  /** Milliseconds for each try; 10,000 by default. */
  timeoutMs?: number;
  /** Further tries where the node is away or busy; 3 by default, 0 for none. */
  retries?: number;
  /** In place of the platform's own `fetch`: for proxies, tests, headers. */
  fetch?: typeof fetch;
}

/** JSON of a node at the most: a block of the largest size as text. */
const JSON_BYTES_MAX = 16 * 1024 * 1024;
const BACK_OFF_MS = 100;
const BACK_OFF_MS_MAX = 2_000;

export class Transport {
  /** Without a slash at the end. */
  readonly url: string;
  readonly #fetch: typeof fetch;
  readonly #timeoutMs: number;
  readonly #retries: number;
  #calls = 0;

  /** @throws {@link ArgumentError} if `url` is no `http:` or `https:` URL */
  constructor(url: string, options: TransportOptions = {}) {
    const parsed = URL.canParse(url) ? new URL(url) : null;
    if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
      throw new ArgumentError(`expected the URL of a node, as http://127.0.0.1:8545, got ${JSON.stringify(url)}`);
    }
    this.url = parsed.href.replace(/\/+$/, '');
    // Called as a method, a browser's own fetch refuses.
    const itsFetch = options.fetch ?? globalThis.fetch;
    this.#fetch = (...call) => itsFetch(...call);
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#retries = options.retries ?? 3;
  }

  /** `GET path`, JSON. */
  async get(path: string, options: CallOptions = {}): Promise<unknown> {
    return this.#again(options, async () => parseJson(await this.#ask(path, {}, JSON_BYTES_MAX, options)));
  }

  /** `GET path`, canonical bytes. */
  async bytes(path: string, limit: number, options: CallOptions = {}): Promise<Uint8Array> {
    return this.#again(options, () => this.#ask(path, {}, limit, options));
  }

  /** A call of JSON-RPC, and its result. */
  async rpc(method: string, params: unknown[], options: CallOptions = {}): Promise<unknown> {
    return this.#again(options, async () => {
      const id = (this.#calls += 1);
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
      };
      return resultOf(parseJson(await this.#ask('/', init, JSON_BYTES_MAX, options)), id);
    });
  }

  /** A body that goes on for as long as `signal` lets it: an event stream. */
  async stream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    try {
      const response = await this.#send(path, { headers: { accept: 'text/event-stream' }, signal });
      if (response.ok && response.body !== null) return response.body;
      throw refusal(response, await readBody(response, JSON_BYTES_MAX));
    } catch (error) {
      throw error instanceof LockstepError ? error : unreachable(this.url, error);
    }
  }

  /** Asks until there is an answer, a refusal that lasts, or no further try. */
  async #again<T>(options: CallOptions, ask: () => Promise<T>): Promise<T> {
    for (let tried = 0; ; tried += 1) {
      try {
        return await ask();
      } catch (error) {
        if (tried >= this.#retries || !mayPass(error)) throw error;
        await pause(Math.min(BACK_OFF_MS * 2 ** tried, BACK_OFF_MS_MAX), options.signal);
      }
    }
  }

  async #ask(path: string, init: RequestInit, limit: number, options: CallOptions): Promise<Uint8Array> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), options.timeoutMs ?? this.#timeoutMs);
    const signal = options.signal ? AbortSignal.any([options.signal, late.signal]) : late.signal;
    try {
      const response = await this.#send(path, { ...init, signal });
      const body = await readBody(response, limit);
      if (response.ok) return body;
      throw refusal(response, body);
    } catch (error) {
      if (error instanceof LockstepError) throw error;
      if (options.signal?.aborted) throw aborted(options.signal);
      if (late.signal.aborted)
        throw new ConnectionError('timeout', `${this.url} did not answer in time`, { cause: error });
      throw unreachable(this.url, error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #send(path: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
    init.signal.throwIfAborted();
    return this.#fetch(this.url + path, { ...init, redirect: 'error' });
  }
}

/** Whether the same may be answered in a moment. */
export function mayPass(error: unknown): boolean {
  if (error instanceof ConnectionError) return error.code !== 'aborted';
  return error instanceof RefusedError && error.isBusy;
}

/** Waits; ends early with `aborted`. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done, failed) => {
    const abort = (): void => {
      clearTimeout(timer);
      failed(aborted(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      done();
    }, ms);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}

function aborted(signal: AbortSignal | undefined): ConnectionError {
  return new ConnectionError('aborted', 'the caller has ended the call', { cause: signal?.reason });
}

function unreachable(url: string, cause: unknown): ConnectionError {
  return new ConnectionError('unreachable', `no answer from ${url}: is the node running?`, { cause });
}

/** The body, or `too_large` before more of it is held than `limit`. */
async function readBody(response: Response, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > limit) {
      await reader.cancel().catch(() => {});
      throw new BytesError('too_large', `the answer has more than ${limit} bytes`);
    }
    parts.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whoever answered may be no node: a proxy, perhaps. */
function tryJson(body: Uint8Array): unknown {
  try {
    return parseJson(body);
  } catch {
    return null;
  }
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as unknown;
  } catch (error) {
    throw new BytesError('malformed', 'the answer is no JSON', { cause: error });
  }
}

/** What a node says in place of an answer. */
function refusal(response: Response, body: Uint8Array): RefusedError {
  const said = tryJson(body) as { code?: unknown; message?: unknown } | null;
  const { status } = response;
  const code = typeof said?.code === 'string' ? said.code : `http_${status}`;
  const message = typeof said?.message === 'string' ? said.message : `the answer has the status ${status}`;
  return new RefusedError(code, printable(message), status);
}

function resultOf(answer: unknown, id: number): unknown {
  const reply = answer as {
    id?: unknown;
    result?: unknown;
    error?: { code?: unknown; message?: unknown; data?: { code?: unknown } };
  } | null;
  if (typeof reply !== 'object' || reply === null || (reply.id !== id && reply.error === undefined)) {
    throw new BytesError('malformed', 'the answer is none to this call of JSON-RPC');
  }
  const { error } = reply;
  if (error === undefined) return reply.result;
  const status = typeof error?.code === 'number' ? error.code : 0;
  const code =
    typeof error?.data?.code === 'string' ? error.data.code : status === -32601 ? 'unknown_method' : 'refused';
  const message = typeof error?.message === 'string' ? error.message : 'the node refuses without a word';
  throw new RefusedError(code, printable(message), status);
}

/** A node's words on one line without control characters: they may reach a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ').slice(0, 1_000);
}
