// Who validates a height, what they did of late, and which changes are asked for.
import { h } from '../dom.js';
import { ago, count, short, whole } from '../format.js';
import { account, blockLink, byName, colour, empty, facts, panel, shown, table } from '../parts.js';
import { to } from '../router.js';
import * as shapes from '../shapes.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */
/** @typedef {import('../shapes.js').ValidatorSet} ValidatorSet */

const EVERY_MS = 5000;

/** @param {Ctx} ctx @returns {Child[]} */
export function draw(ctx) {
  const asked = ctx.place.rest[0];
  const isHeight = asked !== undefined && /^[0-9]{1,15}$/.test(asked);
  const path = isHeight ? `/validators?height=${asked}&recent=100` : '/validators?recent=100';
  const read = ctx.reads.get(ctx.base, path, isHeight ? 0 : EVERY_MS, shapes.validators);
  return [choose(), shown(read, (value) => set(ctx, value))];
}

function choose() {
  const go = (/** @type {Event} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const height = String(new FormData(form).get('height') ?? '');
    location.hash = height ? to('validators', height) : to('validators');
  };
  return h('form', { class: 'order', onsubmit: go }, h('label', {}, 'Of height ', h('input', { name: 'height', inputmode: 'numeric', pattern: '[0-9]*', size: 10, placeholder: 'the next' })), h('button', {}, 'Show'));
}

/** @param {Ctx} ctx @param {ValidatorSet} value @returns {Child} */
function set(ctx, value) {
  const blocks = value.recent?.blocks ?? 0;
  const status = ctx.store.lead()?.status;
  const rows = byName(ctx.store, value.validators).map((one) => [
    h('span', {}, h('span', { class: `chip ${colour(one.index)}`, 'aria-hidden': 'true' }), account(one.address, ctx.store)),
    whole(one.power),
    `${((one.power * 100) / Math.max(1, value.total_power)).toFixed(1)} %`,
    one.certificates === undefined ? '–' : `${one.certificates} of ${blocks}`,
    one.failed_turns === undefined ? '–' : `${whole(one.failed_turns)}${one.turns === undefined ? '' : ` of ${whole(one.turns)}`}`,
    one.last_proposed ? h('span', {}, blockLink(one.last_proposed.height), status ? `, ${ago(status.time - one.last_proposed.time)} ago` : '') : 'not of late',
  ]);
  return [
    panel(
      `Validators of height ${whole(value.height)}`,
      facts([
        ['Set', h('span', { class: 'mono' }, String(value.hash ?? ''))],
        ['Power', `${whole(value.total_power)}; a quorum is more than two thirds: ${whole(Math.floor((value.total_power * 2) / 3) + 1)}`],
        value.recent && ['Looked at', `heights ${whole(value.recent.from_height)} to ${whole(value.recent.to_height)}`],
      ]),
      table('Validators', ['Validator', 'Power', 'Share', 'In certificates', 'Failed turns', 'Last proposed'], rows, [1, 2, 3, 4]),
      h('p', { class: 'note below' }, 'Failed turns: of its turns to propose those that brought no block. A certificate is closed with more than two thirds of the power: a vote that comes later is in none.'),
    ),
    panel('Changes that are asked for', requests(ctx)),
  ];
}

/** Newest blocks with transactions that are looked through for requests. */
const LOOKED = 12;

/** No answer of a node lists requests that are not carried out yet: they are read from the blocks. @param {Ctx} ctx @returns {Child} */
function requests(ctx) {
  const full = ctx.store.chain.blocks.filter((block) => block.transactions > 0).slice(-LOOKED);
  const rows = [];
  for (const block of full.reverse()) {
    const { value } = ctx.reads.call(ctx.base, 'lockstep_getBlock', [block.height], 0, shapes.block);
    for (const one of value?.transactions ?? []) {
      const { kind, ...what } = one.body?.action ?? {};
      if (!['update_validator', 'declare_ready'].includes(kind) || rows.length >= 100) continue;
      const words = Object.entries(what).map(([name, it]) => `${name.replace(/_/g, ' ')} ${short(String(it), 16)}`);
      rows.push([blockLink(block.height), account(one.sender, ctx.store), kind.replace(/_/g, ' '), words.join(', ')]);
    }
  }
  return [
    h('p', { class: 'note' }, `What validators have asked for in the newest ${count(full.length, 'block')} with transactions that this page has seen. A change holds when validators with more than two thirds of the power have asked for it.`),
    rows.length ? table('Requests', ['Block', 'Asked for by', 'What', 'Of whom'], rows) : empty('Nothing.'),
  ];
}
