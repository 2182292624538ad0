// An account: its balance, and what the node still remembers that it has done.
import { h } from '../dom.js';
import { count, short, textOfHex, whole } from '../format.js';
import { blockLink, empty, facts, hashLink, panel, shown, table } from '../parts.js';
import { to } from '../router.js';
import { keyOf } from '../search.js';
import * as shapes from '../shapes.js';
import { action } from './transaction.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */

const EVERY_MS = 2000;
/** Newest blocks that are looked through for this account: the ledger has no index by account. */
const LOOKED = 12;

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
    panel('What it has done of late', history(ctx, address)),
    panel('Its records', records(ctx, address)),
  ];
}

/** @param {Ctx} ctx @param {string} address */
function history(ctx, address) {
  const full = ctx.store.chain.blocks.filter((block) => block.transactions > 0).slice(-LOOKED);
  const rows = [];
  for (const block of full.reverse()) {
    const { value } = ctx.reads.call(ctx.base, 'lockstep_getBlock', [block.height], 0, shapes.block);
    for (const one of value?.transactions ?? []) {
      if (rows.length >= 100 || (one.sender !== address && one.body?.action?.to !== address)) continue;
      rows.push([blockLink(block.height), hashLink(one.id, to('transaction', one.id)), one.sender === address ? 'sent' : 'received', action(ctx, one.body.action), whole(String(one.body.fee))]);
    }
  }
  const note = h('p', { class: 'note' }, `Nodes keep no index by account: this is what the newest ${count(full.length, 'block')} with transactions that this page has seen ${full.length === 1 ? 'says' : 'say'}.`);
  return [note, rows.length ? table('History', ['Block', 'Transaction', 'Way', 'What', 'Fee'], rows, [4]) : empty('Nothing in them.')];
}

/** @param {Ctx} ctx @param {string} address */
function records(ctx, address) {
  const look = (/** @type {Event} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const key = String(new FormData(form).get('key') ?? '');
    if (key) location.hash = to('record', address, keyOf(key));
  };
  const seen = new Set();
  for (const block of ctx.store.chain.blocks.filter((one) => one.transactions > 0).slice(-LOOKED)) {
    const { value } = ctx.reads.call(ctx.base, 'lockstep_getBlock', [block.height], 0, shapes.block);
    for (const one of value?.transactions ?? []) {
      if (one.sender === address && one.body?.action?.kind === 'put' && seen.size < 50) seen.add(String(one.body.action.key));
    }
  }
  return [
    h('form', { class: 'order', onsubmit: look }, h('label', {}, 'Key, as text or 0x and hex ', h('input', { name: 'key', maxlength: 514, required: true, autocomplete: 'off' })), h('button', {}, 'Show the record')),
    seen.size ? h('ul', { class: 'tags' }, [...seen].map((key) => h('li', {}, h('a', { href: to('record', address, key) }, textOfHex(key) ?? short(key, 24))))) : null,
  ];
}
