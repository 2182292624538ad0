// What waits for a block.
import { h } from '../dom.js';
import { count, size, whole } from '../format.js';
import { account, empty, facts, hashLink, panel, shown, table } from '../parts.js';
import { to } from '../router.js';
import { action } from './transaction.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */

const EVERY_MS = 1000;
const LISTED = 100;

/** @param {Ctx} ctx @returns {Child[]} */
export function draw(ctx) {
  const sum = ctx.reads.get(ctx.base, '/mempool?limit=1', EVERY_MS);
  const list = ctx.reads.call(ctx.base, 'lockstep_pendingTransactions', [LISTED], EVERY_MS);
  return [
    panel('How much waits', shown(sum, (value) => facts([['Transactions', whole(value.transactions)], ['Bytes', size(value.bytes)]]))),
    panel(
      'What waits',
      shown(list, (value) => {
        const rows = (value.transactions ?? []).slice(0, LISTED).map((/** @type {any} */ one) => {
          const it = one.transaction ?? one;
          return [
            hashLink(it.id, to('transaction', String(it.id))),
            account(it.sender, ctx.store),
            whole(it.body?.nonce ?? 0),
            it.body ? action(ctx, it.body.action) : '',
            whole(String(it.body?.fee ?? '–')),
            it.body ? `height ${whole(it.body.expires_at)}` : '',
          ];
        });
        // There is a cursor after the last one too: only the count tells whether more wait.
        const more = value.count > rows.length ? h('p', { class: 'note below' }, `The first ${count(rows.length, 'transaction')} of ${whole(value.count)}, by sender and nonce.`) : null;
        return rows.length ? [table('What waits', ['Id', 'From', 'Nonce', 'What', 'Fee', 'Expires after'], rows, [2, 4]), more] : empty('Nothing waits for a block.');
      }),
    ),
  ];
}
