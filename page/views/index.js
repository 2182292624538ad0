// All views, by the first word of their link.
import * as account from './account.js';
import * as actors from './actors.js';
import * as blocks from './blocks.js';
import * as devnet from './devnet.js';
import * as evidence from './evidence.js';
import * as ledger from './ledger.js';
import * as lockstep from './lockstep.js';
import * as mempool from './mempool.js';
import * as peers from './peers.js';
import * as timeline from './timeline.js';
import * as transaction from './transaction.js';
import * as validators from './validators.js';

/** @typedef {import('../parts.js').View} View */

/** @type {Record<string, View>} */
const VIEWS = {
  '': { title: 'Lockstep', draw: lockstep.draw },
  timeline: { title: 'Heights', draw: timeline.draw },
  actors: { title: 'Actors', draw: actors.draw },
  blocks: { title: 'Blocks', draw: blocks.draw },
  block: { title: 'Block', draw: blocks.drawOne },
  mempool: { title: 'Mempool', draw: mempool.draw },
  validators: { title: 'Validators', draw: validators.draw },
  evidence: { title: 'Evidence and forks', draw: evidence.draw },
  peers: { title: 'Peers', draw: peers.draw },
  devnet: { title: 'Devnet', draw: devnet.draw },
  transaction: { title: 'Transaction', draw: transaction.draw },
  account: { title: 'Account', draw: account.draw },
  record: { title: 'Record', draw: ledger.drawRecord },
  id: { title: 'Search', draw: ledger.drawId },
  nothing: { title: 'Nothing found', draw: ledger.drawNothing },
};

/** What the menu has: views that need no further word. */
const MENU = ['', 'timeline', 'actors', 'blocks', 'mempool', 'validators', 'evidence', 'peers', 'devnet'];

/** Names that are shorter in the menu. @type {Record<string, string>} */
const SHORT = { '': 'Overview', evidence: 'Evidence' };

/** @type {View} */
const NOWHERE = { title: 'Nothing here', draw: () => ['This page has no such view.'] };

/** @param {string} name @returns {View} */
export function viewAt(name) {
  return Object.hasOwn(VIEWS, name) ? VIEWS[name] : NOWHERE;
}

/** @param {boolean} isDevnet */
export function menu(isDevnet) {
  const names = MENU.filter((name) => name !== 'devnet' || isDevnet);
  return names.map((view) => ({ view, title: SHORT[view] ?? VIEWS[view].title }));
}
