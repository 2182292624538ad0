// The links of each node that is asked to all others.
import { h } from '../dom.js';
import { ago, whole } from '../format.js';
import { account, byName, empty, pair, panel, table } from '../parts.js';
import { NODES_MAX } from '../store.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */

/** @param {Ctx} ctx @returns {Child[]} */
export function draw(ctx) {
  const nodes = [...ctx.store.nodes.values()];
  return [pair(nodes.map((node) => of(ctx, node))), panel('Ask further nodes', further(ctx))];
}

/** @param {Ctx} ctx @param {import('../store.js').NodeState} node */
function of(ctx, node) {
  const name = ctx.store.nameOfNode(node);
  if (!node.isHere) return panel(`Peers of ${name}`, h('p', { class: 'trouble', role: 'status' }, node.isForeign ? 'It is of another chain.' : node.trouble ? `It does not answer: ${node.trouble.message}.` : 'No answer yet.'));
  const rows = byName(ctx.store, node.status?.peers ?? []).map((peer) => [
    account(peer.address, ctx.store),
    h('span', { class: `badge ${peer.reachable ? 'good' : 'bad'}` }, peer.reachable ? 'reachable' : 'away'),
    h('span', { class: 'reason' }, why(peer)),
    // What is not known of one that is away stands there as 0.
    peer.reachable || peer.height > 0 ? whole(peer.height) : '–',
    peer.reachable || peer.height > 0 ? whole(peer.earliest_height ?? 0) : '–',
    whole(peer.outbox ?? 0),
    peer.clock_difference_ms === null ? '–' : `${peer.clock_difference_ms > 0 ? '+' : peer.clock_difference_ms < 0 ? '−' : ''}${whole(Math.abs(peer.clock_difference_ms))} ms`,
    peer.url,
  ]);
  return panel(`Peers of ${name}`, rows.length ? table(`Peers of ${name}`, ['Peer', 'Link', 'Why', 'Height', 'Keeps from', 'Outbox', 'Clock', 'Listens at'], rows, [3, 4, 5, 6]) : empty('It has no peers.'));
}

/** Why it is refused or away. @param {import('../shapes.js').Peer} peer */
function why(peer) {
  if (peer.reachable) return peer.refused ?? '';
  const since = peer.away_ms === null ? 'never reached' : `for ${ago(peer.away_ms)}`;
  const reason = peer.refused ?? peer.trouble;
  return reason ? `${since}: ${reason}` : since;
}

/** @param {Ctx} ctx */
function further(ctx) {
  const listed = [...ctx.store.nodes.keys()].filter((base) => base !== '').join(',');
  return [
    h('p', { class: 'note' }, `Where other nodes listen for people, with commas between; at most ${NODES_MAX}. Each has to allow this page in its cors_origins.`),
    // A form without a script: the page is loaded anew, because whom it may ask stands in its head.
    h('form', { class: 'order', method: 'get', action: '/' }, h('label', {}, 'Nodes ', h('input', { name: 'nodes', size: 40, value: listed, placeholder: 'https://node.example:8545' })), h('button', {}, 'Ask them too')),
  ];
}
