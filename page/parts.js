// Pieces that several views are made of.
import { h } from './dom.js';
import { short, whole } from './format.js';
import { to } from './router.js';

/** @typedef {import('./dom.js').Child} Child */
/** @typedef {import('./dom.js').Piece} Piece */
/** @typedef {import('./store.js').Store} Store */
/** @typedef {import('./reads.js').Reads} Reads */
/** @typedef {import('./reads.js').Read} Read */
/**
 * @typedef {object} Ctx what a view is drawn from
 * @property {Store} store
 * @property {Reads} reads
 * @property {number} now this page's clock
 * @property {import('./router.js').Place} place
 * @property {string} base where the node listens that figures of the chain are taken from
 * @property {import('./controls.js').Controls} controls
 * @property {() => Judged} judged how the validators and the chain are, made out once for each drawing
 */
/** @typedef {{ all: import('./rows.js').Row[], said: import('./verdict.js').Verdict }} Judged */
/** @typedef {{ title: string, draw: (ctx: Ctx) => Child[] }} View */

/** Colours of validators: as many as can be told apart. */
const COLOURS = 8;

/** @param {number} place in the set */
export function colour(place) {
  return place < 0 ? 'p-none' : `p${place % COLOURS}`;
}

/** In the order in which people count their nodes, else as they are. @template {{ address: string }} T @param {Store} store @param {T[]} all @returns {T[]} */
export function byName(store, all) {
  const indexOf = (/** @type {T} */ one) => store.devnet?.nodes.find((node) => node.validator === one.address)?.index ?? Infinity;
  return [...all].sort((a, b) => (indexOf(a) === indexOf(b) ? 0 : indexOf(a) - indexOf(b)));
}

/** @param {string} title @param {Child[]} children */
export function panel(title, ...children) {
  const id = `t-${title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
  return h('section', { class: 'panel', 'aria-labelledby': id, key: id }, h('h2', { id }, title), ...children);
}

/** A hash or an address that leads somewhere. @param {string | null | undefined} hex @param {string} link @param {number} [digits] */
export function hashLink(hex, link, digits = 8) {
  if (!hex) return h('span', {}, '–');
  return h('a', { href: link, class: 'hash', title: hex }, short(hex, digits));
}

/** @param {string | null | undefined} address @param {Store} [store] */
export function account(address, store) {
  const name = store?.nameOf(address ?? null) ?? nameOfAccount(store, address);
  const link = hashLink(address, to('account', address ?? ''));
  return name ? h('span', {}, `${name} `, link) : link;
}

/** @param {Store | undefined} store @param {string | null | undefined} address */
function nameOfAccount(store, address) {
  return store?.devnet?.accounts.find((one) => one.address === address)?.name ?? null;
}

/** @param {number} height */
export function blockLink(height) {
  return h('a', { href: to('block', height) }, whole(height));
}

/**
 * Names and their values.
 * @param {([string, Child] | null | false | undefined)[]} pairs
 */
export function facts(pairs) {
  const there = /** @type {[string, Child][]} */ (pairs.filter(Boolean));
  return h('dl', { class: 'facts' }, there.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
}

/**
 * A table that can be scrolled where it is wider than the window.
 * @param {string} label @param {(string | Piece)[]} head @param {Child[][]} rows @param {number[]} [figures] columns of figures, which stand below each other by their ends
 * @param {string[]} [keys] of the rows, where they move on
 */
export function table(label, head, rows, figures = [], keys = []) {
  const kind = (/** @type {number} */ at) => (figures.includes(at) ? 'number' : null);
  const name = (/** @type {string | Piece} */ cell, /** @type {number} */ at) => h('th', { scope: 'col', class: kind(at) }, cell);
  const line = (/** @type {Child[]} */ row, /** @type {number} */ at) => h('tr', { key: keys[at] }, row.map((cell, at) => h('td', { class: kind(at) }, cell)));
  return h(
    'div',
    { class: 'scroll', role: 'group', 'aria-label': label, tabindex: 0 },
    h('table', { class: 'list' }, h('caption', { class: 'unseen' }, label), h('thead', {}, h('tr', {}, head.map(name))), h('tbody', {}, rows.map(line))),
  );
}

/** Panels that stand beside each other where there is room. @param {Child[]} children */
export function pair(...children) {
  return h('div', { class: 'pair' }, children);
}

/** What stands where no block is known. @param {Ctx} ctx */
export function noBlock(ctx) {
  const { trouble } = ctx.store.chain;
  return empty(trouble ? `Blocks cannot be read: ${trouble}.` : 'The node has none in its memory: those that come from now on are shown.');
}

/** What stands where there is nothing. @param {Child[]} words */
export function empty(...words) {
  return h('p', { class: 'empty' }, ...words);
}

/**
 * What has been read, or why not.
 * @param {Read} read @param {(value: any) => Child} draw @param {(error: import('./api.js').NoAnswer) => Child | null} [other] what a refusal means here
 * @returns {Child}
 */
export function shown(read, draw, other = () => null) {
  if (read.error && read.value === undefined) {
    const { error } = read;
    return other(error) ?? h('p', { class: 'trouble', role: 'status' }, `There is no answer: ${error.message}.`);
  }
  if (read.value === undefined) return empty('Asking the node…');
  const stale = read.error ? h('p', { class: 'trouble', role: 'status' }, `Not fresh: ${read.error.message}.`) : null;
  try {
    return [stale, draw(read.value)];
  } catch (thrown) {
    return h('p', { class: 'trouble', role: 'status' }, `The answer cannot be shown: ${String(thrown).slice(0, 200)}.`);
  }
}
