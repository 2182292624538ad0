// What waits for a block.
import { h } from '../dom.js';
import { count, size, whole } from '../format.js';
import { account, empty, facts, hashLink, panel, shown, table } from '../parts.js';
import { to } from '../router.js';
import * as shapes from '../shapes.js';
import { action } from './transaction.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */

const EVERY_MS = 1000;
const LISTED = 100;

/** @param {Ctx} ctx @returns {Child[]} */
export function draw(ctx) {
  const sum = ctx.reads.get(ctx.base, '/mempool?limit=1', EVERY_MS, shapes.mempool);
  const list = ctx.reads.call(ctx.base, 'lockstep_pendingTransactions', [LISTED], EVERY_MS, shapes.pending);
  return [
    panel('How much waits', shown(sum, (value) => facts([['Transactions', whole(value.transactions)], ['Bytes', size(value.bytes)]]))),
    panel(
      'What waits',
      shown(list, (value) => {
        const rows = value.transactions.slice(0, LISTED).map((/** @type {import('../shapes.js').Transaction} */ { id, sender, body }) => [
          hashLink(id, to('transaction', id)),
          account(sender, ctx.store),
          whole(body.nonce),
          action(ctx, body.action),
          whole(body.fee),
          `height ${whole(body.expires_at)}`,
        ]);
        // There is a cursor after the last one too: only the count tells whether more wait.
        const more = value.count > rows.length ? h('p', { class: 'note below' }, `The first ${count(rows.length, 'transaction')} of ${whole(value.count)}, by sender and nonce.`) : null;
        return rows.length ? [table('What waits', ['Id', 'From', 'Nonce', 'What', 'Fee', 'Expires after'], rows, [2, 4]), more] : empty('Nothing waits for a block.');
      }),
    ),
  ];
}
