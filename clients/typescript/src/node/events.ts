/** Server-sent events of a node, one connection at a time. */
import { BytesError, ConnectionError } from '../errors.js';
import { type Transport } from './transport.js';

/** One event: what it is called, its number, its data. */
export interface ServerEvent {
  name: string;
  /** Numbers rise; `null` where the event has none. */
  seq: number | null;
  data: string;
}

/** An open stream of events. It holds a connection until it is closed. */
export interface EventStream {
  events: AsyncGenerator<ServerEvent>;
  close(): Promise<void>;
}

/** A node gives a sign of life every 15 s: one that is silent for so long is gone. */
const SILENCE_MS = 40_000;
/** Characters of one event at the most. */
const EVENT_LENGTH_MAX = 1024 * 1024;

/**
 * Opens a stream; the promise is kept once the node has accepted.
 *
 * @throws {@link ConnectionError} where it breaks, {@link RefusedError} where it is refused
 */
export async function openEvents(
  transport: Transport,
  path: string,
  signal: AbortSignal | undefined,
): Promise<EventStream> {
  const silence = new AbortController();
  const either = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
  const unlessSilent = async <T>(call: () => Promise<T>): Promise<T> => {
    const timer = setTimeout(() => silence.abort(), SILENCE_MS);
    return call().finally(() => clearTimeout(timer));
  };
  const stream = await unlessSilent(() => transport.stream(path, either));
  const reader = stream.getReader();
  const read = async (): Promise<Uint8Array | undefined> => {
    try {
      return (await unlessSilent(() => reader.read())).value;
    } catch (error) {
      const code = signal?.aborted ? 'aborted' : silence.signal.aborted ? 'timeout' : 'unreachable';
      throw new ConnectionError(code, 'the event stream has broken', { cause: error });
    }
  };
  return { events: parts(read), close: () => reader.cancel().catch(() => {}) };
}

async function* parts(read: () => Promise<Uint8Array | undefined>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for (let bytes = await read(); bytes !== undefined; bytes = await read()) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    if (rest.length > EVENT_LENGTH_MAX) throw new BytesError('too_large', 'an event is longer than any');
    for (const block of blocks) {
      const event = parse(block);
      if (event !== null) yield event;
    }
  }
}

/** `null` for a comment. */
function parse(block: string): ServerEvent | null {
  const event: ServerEvent = { name: 'message', seq: null, data: '' };
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, field, value] = /^(event|id|data): ?(.*)$/.exec(line) ?? [];
    if (field === 'event' && value !== undefined) event.name = value;
    if (field === 'id' && value !== undefined && /^[0-9]{1,16}$/.test(value)) event.seq = Number(value);
    if (field === 'data' && value !== undefined) data.push(value);
  }
  event.data = data.join('\n');
  return data.length === 0 ? null : event;
}
