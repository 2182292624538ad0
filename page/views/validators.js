// Who validates a height, what they did of late, and which changes are asked for.
import { h } from '../dom.js';
import { ago, short, whole } from '../format.js';
import { account, blockLink, colour, empty, facts, panel, shown, table } from '../parts.js';
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
  const read = ctx.reads.get(ctx.base, path, isHeight ? 0 : EVERY_MS);
  return [choose(), shown(read, (value) => set(ctx, shapes.validators(value)))];
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

/** @param {Ctx} ctx @param {ValidatorSet & Record<string, any>} value @returns {Child} */
function set(ctx, value) {
  const blocks = value.recent?.blocks ?? 0;
  const status = ctx.store.lead()?.status;
  const rows = value.validators.map((one) => [
    h('span', {}, h('span', { class: `chip ${colour(one.index)}`, 'aria-hidden': 'true' }), account(one.address, ctx.store)),
    whole(one.power),
    `${((one.power * 100) / Math.max(1, value.total_power)).toFixed(1)} %`,
    one.certificates === undefined ? '–' : `${one.certificates} of ${blocks}`,
    one.failed_turns === undefined ? '–' : whole(one.failed_turns),
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
      table('Validators', ['Validator', 'Power', 'Share', 'In certificates', 'Failed turns', 'Last proposed'], rows),
      h('p', { class: 'note' }, 'A certificate is closed with more than two thirds of the power: a vote that comes later is in none.'),
    ),
    panel('Changes that are asked for', pending(ctx, value)),
  ];
}

/** @param {Ctx} ctx @param {Record<string, any>} value @returns {Child} */
function pending(ctx, value) {
  const changes = value.pending ?? value.changes ?? value.proposals;
  if (!Array.isArray(changes) || changes.length === 0) return empty('None.');
  return table(
    'Changes',
    ['Who', 'Power', 'Asked for by'],
    changes.slice(0, 100).map((one) => [account(one.address ?? one.validator, ctx.store), String(one.power ?? '–'), (one.by ?? one.asked_by ?? one.approvals ?? []).map((/** @type {any} */ who) => ctx.store.nameOf(String(who)) ?? short(String(who))).join(', ')]),
  );
}
