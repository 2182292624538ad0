// A record; an id that may be a transaction's or a block's; and what was searched for and is nothing.
import { h } from '../dom.js';
import { size, textOfHex, whole } from '../format.js';
import { account, blockLink, empty, facts, panel, shown } from '../parts.js';
import { to } from '../router.js';
import * as shapes from '../shapes.js';
import * as transaction from './transaction.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */

const EVERY_MS = 2000;

/** @param {Ctx} ctx @returns {Child[]} */
export function drawRecord(ctx) {
  const [address = '', key = ''] = ctx.place.rest;
  if (!/^0x[0-9a-f]{40}$/i.test(address) || !/^0x(?:[0-9a-f]{2}){1,256}$/i.test(key)) {
    return [empty('That is no record: an address, and a key of 1 to 256 bytes in hex.')];
  }
  const read = ctx.reads.call(ctx.base, 'lockstep_getRecord', [address, key, true], EVERY_MS, shapes.record);
  return [shown(read, (answer) => one(ctx, address, key, answer), (error) => panel('Record', empty(`There is none: ${error.message}.`)))];
}

/** @param {Ctx} ctx @param {string} address @param {string} key @param {any} answer the state's height and root, and in `record` what stands there, or null */
function one(ctx, address, key, answer) {
  const record = answer?.record;
  const value = typeof record?.value === 'string' ? record.value : null;
  const text = value === null ? null : textOfHex(value);
  return panel(
    'What stands there',
    facts([
      ['Owner', account(address, ctx.store)],
      ['Key', textOfHex(key) ?? h('span', { class: 'mono' }, key)],
      ['Value', value === null ? 'none: it is not there' : (text ?? h('span', { class: 'mono' }, value))],
      value !== null && ['In hex', h('span', { class: 'mono proof', tabindex: 0 }, value)],
      value !== null && ['Size', size((value.length - 2) / 2)],
      typeof record?.height === 'number' && ['Written in block', blockLink(record.height)],
      typeof answer?.height === 'number' && ['Looked up at height', blockLink(answer.height)],
      answer?.state_root && ['State root', h('span', { class: 'mono' }, String(answer.state_root))],
      answer?.proof && ['Proof', h('span', { class: 'mono proof', tabindex: 0 }, String(answer.proof))],
    ]),
  );
}

/** @param {Ctx} ctx @returns {Child[]} */
export function drawId(ctx) {
  const id = (ctx.place.rest[0] ?? '').toLowerCase();
  const block = ctx.store.chain.blocks.find((one) => one.id === id);
  if (block) return [panel('A block', h('p', {}, `It is the id of block ${whole(block.height)}: `, blockLink(block.height)))];
  const read = ctx.reads.call(ctx.base, 'lockstep_getTransaction', [id, true], EVERY_MS, shapes.transaction);
  if (read.value && read.value.status !== 'unknown') return transaction.draw(ctx);
  return [
    shown(read, () =>
      panel('Nothing found', h('p', {}, 'The node knows no transaction of this id, and none of the newest blocks has it. Older blocks are found by their height.'), h('p', { class: 'mono proof', tabindex: 0 }, id)),
    ),
  ];
}

/** @param {Ctx} ctx @returns {Child[]} */
export function drawNothing(ctx) {
  return [
    panel(
      'Searched for',
      h('p', {}, 'Nothing here goes by this name:'),
      h('p', { class: 'mono proof', tabindex: 0 }, ctx.place.rest[0] ?? ''),
      h('h3', {}, 'What has a name here'),
      facts([
        ['A height', '1234'],
        ['A transaction or a block', '0x and 64 hex digits'],
        ['An account', '0x and 40 hex digits'],
        ['A record', 'its owner’s address, a slash, and the key'],
      ]),
      h('p', { class: 'note below' }, 'Or look at ', h('a', { href: to('blocks') }, 'the newest blocks'), '.'),
    ),
  ];
}
