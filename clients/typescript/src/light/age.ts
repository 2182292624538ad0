/**
 * How old a header may be, by the owner's clock: the block that is trusted from the start, because its
 * validators may have sold or lost their keys since; and the newest one that is shown, because what was right
 * once can be shown again.
 */
import { type Trusted } from './client.js';
import { LightError } from './error.js';

/** @throws {@link LightError} `trusted_too_old` or `stale` */
export function demandYoung(trusted: Trusted, maxMs: number, code: 'trusted_too_old' | 'stale', now: number): void {
  const ageMs = ageOf(trusted, now);
  if (ageMs <= maxMs) return;
  const what = code === 'stale' ? 'the newest block that it shows' : 'the trusted block';
  throw new LightError(code, `${what} was made ${seconds(ageMs)} ago, more than ${seconds(maxMs)}`);
}

/** Milliseconds since its block was made; what is ahead of the clock is no younger than now. */
export function ageOf({ header }: Trusted, now: number): number {
  return Math.max(0, Math.floor(now) - Number(header.time));
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
