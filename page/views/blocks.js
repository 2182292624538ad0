// The newest blocks, and one block.
import { h } from '../dom.js';
import { clock, count, short, whole } from '../format.js';
import { account, blockLink, colour, empty, facts, hashLink, noBlock, panel, shown, table } from '../parts.js';
import { to } from '../router.js';
import * as shapes from '../shapes.js';
import { action } from './transaction.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */

const LISTED = 60;
/** Transactions that are listed of one block. */
const TRANSACTIONS = 200;

/** @param {Ctx} ctx @returns {Child[]} */
export function draw(ctx) {
  const blocks = ctx.store.chain.blocks.slice(-LISTED).reverse();
  if (!blocks.length) return [panel('Newest blocks', noBlock(ctx))];
  const rows = blocks.map((block) => [
    blockLink(block.height),
    hashLink(block.id, to('block', block.height)),
    h('span', {}, h('span', { class: `chip ${colour(ctx.store.placeOf(block.proposer))}`, 'aria-hidden': 'true' }), ctx.store.nameOf(block.proposer) ?? short(block.proposer)),
    block.round === null ? '–' : String(block.round),
    whole(block.transactions),
    clock(block.time),
    h('span', { class: 'hash', title: block.state_root }, short(block.state_root)),
  ]);
  return [panel('Newest blocks', table('Newest blocks', ['Height', 'Id', 'Proposer', 'Round', 'Transactions', 'Time', 'State root'], rows, [3, 4], blocks.map(({ height }) => String(height))))];
}

/** @param {Ctx} ctx @returns {Child[]} */
export function drawOne(ctx) {
  const text = ctx.place.rest[0] ?? 'latest';
  const height = /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
  if (height < 1) return [empty('That is no height.')];
  const newest = ctx.store.lead()?.status?.height ?? 0;
  const known = ctx.reads.call(ctx.base, 'lockstep_getBlock', [height], 0, shapes.block);
  // It is looked for again while it may still come.
  const read = known.value ? known : ctx.reads.call(ctx.base, 'lockstep_getBlock', [height], 1000, shapes.block);
  return [
    h('p', { class: 'steps' }, height > 1 ? h('a', { href: to('block', height - 1) }, `← ${whole(height - 1)}`) : null, h('a', { href: to('block', height + 1) }, `${whole(height + 1)} →`), h('a', { href: to('timeline', height) }, 'its timeline')),
    shown(
      read,
      (block) => (block === null ? empty(`There is no block ${whole(height)}: the newest is ${whole(newest)}.`) : one(ctx, block)),
      (error) => empty(`Block ${whole(height)}: ${error.message}.`),
    ),
  ];
}

/** @param {Ctx} ctx @param {import('../shapes.js').WholeBlock} block @returns {Child} */
function one(ctx, block) {
  const { header, commit } = block;
  const set = ctx.store.validators?.validators ?? [];
  const signed = new Set(commit.precommits.map((it) => it.validator));
  const transactions = block.transactions.slice(0, TRANSACTIONS);
  const rows = transactions.map((it) => [
    hashLink(it.id, to('transaction', it.id)),
    account(it.sender, ctx.store),
    whole(it.body.nonce),
    action(ctx, it.body.action),
    whole(it.body.fee),
  ]);
  return [
    panel(
      `Block ${whole(header.height)}`,
      facts([
        ['Id', h('span', { class: 'mono' }, block.id)],
        ['Time', clock(header.time)],
        ['Proposer', account(header.proposer, ctx.store)],
        ['Decided in round', String(commit.round)],
        ['Certificate', `${count(commit.precommits.length, 'precommit')}: ${commit.precommits.map((it) => ctx.store.nameOf(it.validator) ?? short(it.validator)).join(', ')}`],
        set.length > 0 && ['Not in it', set.filter((one) => !signed.has(one.address)).map((one) => ctx.store.nameOf(one.address) ?? short(one.address)).join(', ') || 'nobody'],
        ['Block before', header.height > 1 ? hashLink(header.previous_block, to('block', header.height - 1), 64) : 'the genesis'],
        ['State root', h('span', { class: 'mono' }, header.state_root)],
        ['Transactions root', h('span', { class: 'mono' }, header.transactions_root)],
        ['Receipts root', h('span', { class: 'mono' }, header.receipts_root)],
        ['Validators', h('span', { class: 'mono' }, header.validators_hash)],
        ['Next validators', h('span', { class: 'mono' }, header.next_validators_hash)],
        ['Evidence', block.evidence.length ? count(block.evidence.length, 'piece') : 'none'],
      ]),
    ),
    panel(
      'Its transactions',
      rows.length ? table('Transactions', ['Id', 'From', 'Nonce', 'What', 'Fee'], rows, [2, 4]) : empty('It is empty.'),
      block.transactions.length > TRANSACTIONS ? h('p', { class: 'note' }, `${whole(block.transactions.length - TRANSACTIONS)} more are left out.`) : null,
    ),
  ];
}
