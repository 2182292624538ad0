// An account: its balance, its history, its records.
import { h } from '../dom.js';
import { clock, short, textOfHex, whole } from '../format.js';
import { account, blockLink, empty, facts, hashLink, panel, shown, table } from '../parts.js';
import { to } from '../router.js';
import { keyOf } from '../search.js';
import * as shapes from '../shapes.js';
import { action } from './transaction.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */

const EVERY_MS = 2000;
/** Transactions of one page of its history. */
const PAGE = 25;
/** Where a page begins: a height and a place in its block. */
const PLACE = /^[0-9]{1,20}:[0-9]{1,10}$/;
/** @type {Record<string, string>} */
const WAYS = { sender: 'sent', receiver: 'received', both: 'to itself' };

/** @param {Ctx} ctx @returns {Child[]} */
export function draw(ctx) {
  const address = ctx.place.rest[0] ?? '';
  if (!/^0x[0-9a-f]{40}$/i.test(address)) return [empty('That is no address: 0x and 40 hex digits.')];
  const read = ctx.reads.call(ctx.base, 'lockstep_getAccount', [address, true], EVERY_MS, shapes.account);
  const name = ctx.store.nameOf(address) ?? ctx.store.devnet?.accounts.find((one) => one.address === address)?.name;
  const validator = ctx.store.validators?.validators.find((one) => one.address === address);
  return [
    shown(read, (value) =>
      panel(
        name ? `Account of ${name}` : 'What it has',
        facts([
          ['Address', h('span', { class: 'mono' }, address)],
          ['Balance', whole(String(value.balance))],
          ['Nonce', `${whole(value.nonce)}; the next, with what waits: ${whole(value.next_nonce)}`],
          ['Exists', value.exists ? 'yes' : 'no: nothing was ever sent to it'],
          ['At height', blockLink(value.height)],
          validator && ['Validator', h('a', { href: to('validators') }, `power ${whole(validator.power)}`)],
          value.proof && ['State root', h('span', { class: 'mono' }, String(value.state_root))],
          value.proof && ['Proof', h('span', { class: 'mono proof', tabindex: 0 }, String(value.proof))],
        ]),
      ),
    ),
    panel('History', history(ctx, address)),
    panel('Its records', records(ctx, address)),
  ];
}

/** @param {Ctx} ctx @param {string} address @param {string | null} before */
function historyOf(ctx, address, before) {
  const path = `/accounts/${address}/transactions?limit=${PAGE}${before ? `&before=${before}` : ''}`;
  // A page of the past stays as it is.
  return ctx.reads.get(ctx.base, path, before ? 0 : EVERY_MS, shapes.history);
}

/** What the chain says that it has done and got, a page of it. @param {Ctx} ctx @param {string} address */
function history(ctx, address) {
  const before = PLACE.test(ctx.place.rest[1] ?? '') ? ctx.place.rest[1] : null;
  return shown(historyOf(ctx, address, before), (page) => parts(ctx, address, page), (error) => (error.code === 'no_history' ? empty('This node keeps no history of accounts (its setting “history”).') : null));
}

/** @param {Ctx} ctx @param {string} address @param {any} page */
function parts(ctx, address, page) {
  const rows = page.transactions.map((/** @type {any} */ one) => [
    blockLink(one.height),
    clock(one.time),
    hashLink(one.transaction.id, to('transaction', one.transaction.id)),
    WAYS[one.role] ?? one.role,
    one.role === 'receiver' ? account(one.transaction.sender, ctx.store) : '',
    action(ctx, one.transaction.body.action),
    one.receipt.status === 'success' ? 'success' : h('span', { class: 'badge bad' }, one.receipt.code ?? one.receipt.status),
    one.role === 'receiver' ? '' : whole(String(one.receipt.fee)),
  ]);
  const from = page.earliest_height > 1 ? ` The node keeps blocks from height ${whole(page.earliest_height)} on.` : '';
  const turns = [
    ctx.place.rest[1] ? h('a', { href: to('account', address) }, 'The newest') : null,
    PLACE.test(page.next ?? '') ? h('a', { href: to('account', address, page.next) }, 'Older ones') : null,
  ].filter(Boolean);
  return [
    h('p', { class: 'note' }, `What it has sent and received, the newest first, up to height ${whole(page.height)}.${from}`),
    rows.length ? table('History', ['Block', 'Time', 'Transaction', 'Way', 'From', 'What', 'Outcome', 'Fee'], rows, [7]) : empty('Nothing.'),
    turns.length ? h('p', { class: 'turns' }, turns.flatMap((turn, at) => (at ? [' · ', turn] : [turn]))) : null,
  ];
}

/** @param {Ctx} ctx @param {string} address */
function records(ctx, address) {
  const look = (/** @type {Event} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const key = String(new FormData(form).get('key') ?? '');
    if (key) location.hash = to('record', address, keyOf(key));
  };
  const { value: page } = historyOf(ctx, address, null);
  const puts = (page?.transactions ?? []).map((/** @type {any} */ one) => one.transaction).filter((/** @type {any} */ one) => one.sender === address && one.body.action.kind === 'put');
  const seen = new Set(puts.map((/** @type {any} */ one) => String(one.body.action.key)));
  return [
    h('form', { class: 'order', onsubmit: look }, h('label', {}, 'Key, as text or 0x and hex ', h('input', { name: 'key', maxlength: 514, required: true, autocomplete: 'off' })), h('button', {}, 'Show the record')),
    seen.size ? h('ul', { class: 'tags' }, [...seen].map((key) => h('li', {}, h('a', { href: to('record', address, key) }, textOfHex(key) ?? short(key, 24))))) : null,
  ];
}
