// One transaction and its life: handed in, waiting, committed at a height, with the proof that it stands there.
import { h } from '../dom.js';
import { short, size, textOfHex, whole } from '../format.js';
import { account, blockLink, empty, facts, panel, shown } from '../parts.js';
import { to } from '../router.js';
import * as shapes from '../shapes.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */

const EVERY_MS = 1000;
const OVER = ['committed', 'failed', 'expired', 'replaced', 'dropped'];

/** What an action does, in one line. All of it is text from the chain. @param {Ctx} ctx @param {any} what @returns {Child} */
export function action(ctx, what) {
  const kind = String(what?.kind ?? 'unknown');
  if (kind === 'transfer') {
    const memo = what.memo ? [' “', String(what.memo), '”'] : [];
    return h('span', { class: 'action' }, `${whole(String(what.amount))} to `, account(what.to, ctx.store), memo);
  }
  if (kind === 'put' || kind === 'delete') {
    const key = String(what.key ?? '');
    return h('span', { class: 'action' }, `${kind} record ${textOfHex(key) ?? key}`);
  }
  if (kind === 'call') {
    const bytes = Math.max(0, String(what.data ?? '0x').length - 2) / 2;
    return h('span', { class: 'action' }, `call of ${what.application}, ${size(bytes)}`);
  }
  return h('span', { class: 'action' }, kind.replace(/_/g, ' '));
}

/** @param {Ctx} ctx @returns {Child[]} */
export function draw(ctx) {
  const id = ctx.place.rest[0] ?? '';
  if (!/^0x[0-9a-f]{64}$/i.test(id)) return [empty('That is no id of a transaction: 0x and 64 hex digits.')];
  const known = ctx.reads.call(ctx.base, 'lockstep_getTransaction', [id, true], 0, shapes.transaction);
  const isOver = OVER.includes(known.value?.status);
  // It is looked for again while it may still come.
  const read = isOver ? known : ctx.reads.call(ctx.base, 'lockstep_getTransaction', [id, true], EVERY_MS, shapes.transaction);
  return [shown(read, (value) => life(ctx, id, value))];
}

/** @param {string} status @param {number | null} newest */
function steps(status, newest) {
  const at = status === 'committed' || status === 'failed' ? 3 : status === 'pending' || status === 'queued' ? 1 : 0;
  const names = ['handed in', 'in the mempool', 'in a block', newest === null ? 'final' : `final, under ${whole(newest)} blocks`];
  return h('ol', { class: 'life' }, names.map((name, index) => h('li', { class: index <= at && status !== 'unknown' ? 'done' : '', 'aria-current': index === at ? 'step' : null }, name)));
}

/** @param {Ctx} ctx @param {string} id @param {any} value @returns {Child} */
function life(ctx, id, value) {
  const { status, receipt, transaction } = value;
  if (status === 'unknown') {
    return panel('Transaction', empty(`The node does not know it. Blocks are kept from height ${whole(value.earliest_height ?? 0)} on.`));
  }
  const newest = ctx.store.lead()?.status?.height ?? 0;
  const tone = status === 'committed' ? 'good' : ['pending', 'queued'].includes(status) ? 'warn' : 'bad';
  const body = transaction?.body;
  return [
    panel(
      'Its life',
      steps(status, receipt ? newest - receipt.height : null),
      facts([
        ['Id', h('span', { class: 'mono' }, id)],
        ['State', h('span', { class: `badge ${tone}` }, status)],
        receipt && ['Block', h('span', {}, blockLink(receipt.height), `, place ${receipt.index}`)],
        receipt && ['Outcome', String(receipt.status)],
        receipt && ['Size and fee', `${size(receipt.bytes)}, ${whole(String(receipt.fee))}`],
        value.code && ['Why', String(value.code)],
        value.by && ['Replaced by', h('a', { href: to('transaction', String(value.by)) }, short(String(value.by)))],
        transaction && ['From', account(transaction.sender, ctx.store)],
        body && ['Nonce', whole(body.nonce)],
        body && ['What', action(ctx, body.action)],
        body?.action?.memo && ['Memo', String(body.action.memo)],
        body?.action?.key && ['Record', h('a', { href: to('record', transaction.sender, String(body.action.key)) }, textOfHex(String(body.action.key)) ?? String(body.action.key))],
        body && ['Expires after', `height ${whole(body.expires_at)}`],
      ]),
    ),
    value.proof
      ? panel(
          'Its proof',
          h('p', { class: 'note' }, 'A path in the Merkle tree of the block’s transactions, up to the root in the header that the certificate signs. lockstep light verify checks it without believing this node.'),
          facts([
            ['Root', h('span', { class: 'mono' }, String(value.transactions_root))],
            ['Path', h('span', { class: 'mono proof', tabindex: 0 }, String(value.proof))],
          ]),
        )
      : null,
  ];
}
