/**
 * Which header a light client asks for next. The goal first: as long as the validators are much the same,
 * one header is enough, however far away. Where too few of the trusted validators have signed it, the one in
 * the middle comes first; the step to the header right after the trusted one needs no such power.
 */
import { type LightBlock } from '../nouns/light-block.js';
import { type LightClient } from './client.js';
import { LightError } from './error.js';

export class Bisection {
  /** Still to be taken, the nearest last: each lies in the middle, so there are never more than 64. */
  readonly #heights: bigint[];

  constructor(goal: bigint) {
    this.#heights = [goal];
  }

  /** The height to ask for next; `null` once the goal is trusted, or lies behind. */
  wanted(client: LightClient): bigint | null {
    const next = this.#heights.at(-1);
    return next !== undefined && next > client.trusted.header.height ? next : null;
  }

  /**
   * Takes what was shown of the wanted height: the client has advanced, or another height is wanted first.
   *
   * @throws {@link LightError} which is a lie
   */
  take(client: LightClient, shown: LightBlock, now: number): void {
    const asked = this.wanted(client);
    if (asked === null) return;
    const trusted = client.trusted.header.height;
    try {
      client.advance(asked, shown, now);
      this.#heights.pop();
    } catch (error) {
      if (!(error instanceof LightError && error.code === 'too_far_ahead')) throw error;
      // Strictly between the two: the neighbour is never too far ahead.
      this.#heights.push(trusted + (asked - trusted) / 2n);
    }
  }
}
