// Misbehaviour that is proven, and forks.
import { h } from '../dom.js';
import { short, whole } from '../format.js';
import { account, blockLink, empty, pair, panel, shown, table } from '../parts.js';
import * as shapes from '../shapes.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */
/** @typedef {import('../shapes.js').Offence} Offence */

const EVERY_MS = 3000;

/** @param {Ctx} ctx @returns {Child[]} */
export function draw(ctx) {
  const read = ctx.reads.get(ctx.base, '/evidence', EVERY_MS, shapes.evidence);
  return [
    shown(read, (value) => {
      const { pending, committed, forks } = /** @type {import('../shapes.js').Evidence} */ (value);
      const offence = (/** @type {Offence} */ one) => [
        one.kind.replace(/_/g, ' '),
        account(one.validator, ctx.store),
        whole(one.height),
        String(one.round),
        String(one.proof).replace(/_/g, ' '),
        h('span', { class: 'hash', title: one.hash }, short(one.hash)),
        one.block === undefined ? '–' : blockLink(one.block),
      ];
      const head = ['Offence', 'By', 'Height', 'Round', 'Proof', 'Id', 'In block'];
      const fork = forks.map((one) => [
        blockLink(one.height),
        one.stops ? h('span', { class: 'badge bad' }, 'stops this node') : 'does not stop this node',
        one.decisions.map((it) => `round ${it.round}: ${short(it.block_id)}`).join(', '),
        one.accused.map((it) => `${ctx.store.nameOf(it.validator) ?? short(it.validator)} (${it.guilt.replace(/_/g, ' ')})`).join(', ') || 'nobody can be named',
      ]);
      return [
        panel('Forks', fork.length ? table('Forks', ['Height', 'Effect', 'Two decisions', 'Accused'], fork) : empty('No two blocks are known to be decided at one height.')),
        pair(
          panel('Waits for a block', pending.length ? table('Waits', head, pending.map(offence), [2, 3]) : empty('No evidence waits.')),
          panel('In blocks', committed.length ? table('In blocks', head, committed.map(offence), [2, 3]) : empty('No validator was convicted.')),
        ),
      ];
    }),
  ];
}
