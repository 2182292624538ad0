/** A stream of events over breaks of the connection. */
import { openEvents, type ServerEvent } from './events.js';
import { mayPass, pause, type Transport } from './transport.js';

export interface SubscribeOptions {
  /** Ends the subscription: the loop over it ends, without an error. */
  signal?: AbortSignal | undefined;
  /** Milliseconds for which the node may be away before the loop throws; 60,000 by default. */
  patienceMs?: number | undefined;
}

const PATIENCE_MS = 60_000;
const BACK_OFF_MS = 100;
const BACK_OFF_MS_MAX = 5_000;

/** Events of one connection after the other; `null` says that a new one has begun. */
export async function* connections(
  transport: Transport,
  path: string,
  { signal, patienceMs }: SubscribeOptions,
): AsyncGenerator<ServerEvent | null> {
  let awaySince = Date.now();
  for (let tried = 0; !signal?.aborted; tried += 1) {
    try {
      const stream = await openEvents(transport, path, signal);
      tried = 0;
      try {
        yield null;
        yield* stream.events;
      } finally {
        await stream.close();
      }
      awaySince = Date.now();
    } catch (error) {
      if (signal?.aborted) return;
      if (tried === 0) awaySince = Date.now();
      const isOver = Date.now() - awaySince > (patienceMs ?? PATIENCE_MS);
      if (isOver || !mayPass(error)) throw error;
    }
    await pause(Math.min(BACK_OFF_MS * 2 ** tried, BACK_OFF_MS_MAX), signal).catch(() => {});
  }
}

/** Asks again and again while the node is away or busy, for as long as a subscription is patient. */
export async function patiently<T>(ask: () => Promise<T>, { signal, patienceMs }: SubscribeOptions): Promise<T> {
  const until = Date.now() + (patienceMs ?? PATIENCE_MS);
  for (let tried = 0; ; tried += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!mayPass(error) || Date.now() > until) throw error;
      await pause(Math.min(BACK_OFF_MS * 2 ** tried, BACK_OFF_MS_MAX), signal);
    }
  }
}

/** What is told until the subscription is ended: then it ends without an error, whatever was under way. */
export async function* untilEnded<T>(told: AsyncGenerator<T>, { signal }: SubscribeOptions): AsyncGenerator<T> {
  try {
    yield* told;
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
