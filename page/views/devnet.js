// What may be done to a devnet: make a block, kill a node, cut the network, move money. Each with its `curl` line.
import { h } from '../dom.js';
import { ago, count, list, whole } from '../format.js';
import { empty, pair, panel } from '../parts.js';
import { to } from '../router.js';
import { curl } from '../controls.js';

/** @typedef {import('../parts.js').Ctx} Ctx */
/** @typedef {import('../dom.js').Child} Child */
/** @typedef {import('../shapes.js').Devnet} Devnet */
/** @typedef {{ name: string, label: string, kind: 'text' | 'number' | 'choice', value?: string, choices?: [string, string][], max?: number, size?: number }} Field */

/** @param {Ctx} ctx @returns {Child[]} */
export function draw(ctx) {
  const { devnet, isDevnet } = ctx.store;
  if (isDevnet === false) return [panel('Devnet', empty('This node is not one of a devnet: there is nothing to control.'))];
  if (!devnet) return [panel('Devnet', empty('Asking the node…'))];
  const choices = /** @type {[string, string][]} */ (devnet.nodes.map((node) => [String(node.index), `node ${node.index}`]));
  const accounts = /** @type {[string, string][]} */ (devnet.accounts.map((one) => [one.name, one.name]));
  return [
    outcomes(ctx),
    pair(
      panel('Nodes', nodes(ctx, devnet)),
      panel('Blocks', blocks(ctx, devnet)),
      panel('Network', network(ctx, devnet, choices)),
      panel('Money and records', money(ctx, accounts)),
      panel('Snapshots and time', past(ctx, devnet)),
      devnet.can_panic ? panel('Actors', panicking(ctx, choices)) : null,
    ),
  ];
}

/** @param {Ctx} ctx */
function outcomes(ctx) {
  const { controls } = ctx;
  const said = controls.outcomes.map((one) =>
    h('li', { class: one.isGood ? 'good' : 'bad' }, h('code', {}, one.path), ` ${one.words}`, one.transaction ? [': ', h('a', { href: to('transaction', one.transaction) }, one.transaction)] : null),
  );
  const isEmpty = !said.length && !controls.underWay;
  return h('section', { class: isEmpty ? 'unseen' : 'outcomes', 'aria-label': 'What came of it', role: 'status' }, controls.underWay ? h('p', {}, 'Under way…') : null, h('ul', {}, said));
}

/** A button that orders one thing, and its line. @param {Ctx} ctx @param {string} words @param {string} path @param {Record<string, unknown>} body @param {boolean} [isOff] */
function button(ctx, words, path, body, isOff = false) {
  return h('button', { type: 'button', disabled: isOff, title: curl(origin(ctx), path, body), onclick: () => void ctx.controls.order(path, body) }, words);
}

/** @param {Ctx} ctx */
function origin(ctx) {
  const base = ctx.controls.base();
  return base || (typeof location === 'undefined' ? '' : location.origin);
}

/** @param {Ctx} ctx @param {string} path @param {Record<string, unknown>} body */
function line(ctx, path, body) {
  return h('pre', { class: 'curl', tabindex: 0 }, curl(origin(ctx), path, body));
}

/** @param {Ctx} ctx @param {Devnet} devnet */
function nodes(ctx, devnet) {
  const states = ctx.judged().all;
  const lines = devnet.nodes.map((node) => {
    const row = states.find((one) => one.address === node.validator);
    const isDown = node.state !== 'running';
    const since = isDown && node.since_ms !== null ? `${ago(Date.now() - node.since_ms)} ago` : '';
    return h(
      'li',
      { key: String(node.index) },
      h('span', { class: 'who' }, `node ${node.index}`),
      h('span', { class: `badge ${isDown ? 'bad' : (row?.tone ?? 'dim')}` }, isDown ? (node.reason ?? node.state) : (row?.state ?? node.state)),
      h('span', { class: 'under' }, isDown ? since : [row?.height ? `height ${whole(row.height)}` : '', row?.why].filter(Boolean).join('; ')),
      h('span', { class: 'buttons' }, button(ctx, 'Stop', '/devnet/stop', { node: node.index }, isDown), button(ctx, 'Kill', '/devnet/kill', { node: node.index }, isDown), button(ctx, 'Restart', '/devnet/restart', { node: node.index }, !isDown)),
    );
  });
  return [
    h('p', { class: 'note' }, 'Stop ends a node in order. Kill ends it abruptly: what was not durable is gone.'),
    h('ul', { class: 'fleet' }, lines),
    line(ctx, '/devnet/kill', { node: 0 }),
  ];
}

/**
 * A form whose order is made of its fields, with the line that does the same.
 * @param {Ctx} ctx @param {string} name @param {string} path @param {Field[]} fields
 * @param {(values: Record<string, string>) => Record<string, unknown>} body @param {string} words
 */
function form(ctx, name, path, fields, body, words) {
  const { chosen } = ctx.controls;
  const now = () => Object.fromEntries(fields.map((field) => [field.name, chosen.get(`${name}.${field.name}`) ?? field.value ?? field.choices?.[0]?.[0] ?? '']));
  const values = now();
  const input = (/** @type {Event} */ event) => {
    const it = /** @type {HTMLInputElement} */ (event.target);
    chosen.set(`${name}.${it.name}`, it.value.slice(0, 8192));
    ctx.store.changed();
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    void ctx.controls.order(path, body(now()));
  };
  const inputs = fields.map((field) => {
    const about = { name: field.name, oninput: input, required: true, autocomplete: 'off' };
    const control = field.kind === 'choice'
      ? h('select', about, (field.choices ?? []).map(([value, label]) => h('option', { value, selected: value === values[field.name] }, label)))
      : h('input', { ...about, value: field.value ?? '', type: field.kind, maxlength: field.max ?? 80, size: field.size ?? 12, min: 0 });
    return h('label', {}, `${field.label} `, control);
  });
  return h('form', { class: 'order', key: name, onsubmit: submit }, inputs, h('button', {}, words), line(ctx, path, body(values)));
}

/** @param {Ctx} ctx @param {Devnet} devnet */
function blocks(ctx, devnet) {
  const pace = devnet.pace_ms === null ? (devnet.on_demand ? 'A block comes where transactions wait.' : 'Blocks are made by hand.') : devnet.pace_ms === 0 ? 'Blocks come as fast as they can.' : `A block every ${devnet.pace_ms} ms.`;
  return [
    h('p', { class: 'note' }, pace),
    h('div', { class: 'buttons' }, button(ctx, 'Tick: a block now', '/devnet/tick', {}), button(ctx, 'By hand only', '/devnet/pace', { block_time_ms: null }, devnet.pace_ms === null && !devnet.on_demand)),
    line(ctx, '/devnet/tick', {}),
    form(ctx, 'pace', '/devnet/pace', [{ name: 'ms', label: 'A block every (ms)', kind: 'number', value: '1000', size: 6 }], (values) => ({ block_time_ms: Number(values.ms) }), 'Set the pace'),
  ];
}

/** `0,1|2,3` as groups. @param {string} text */
export function groupsOf(text) {
  return text.split('|').map((side) => side.split(/[\s,]+/).filter((one) => /^[0-9]+$/.test(one)).map(Number)).filter((side) => side.length > 0);
}

/** @param {Ctx} ctx @param {Devnet} devnet @param {[string, string][]} choices */
function network(ctx, devnet, choices) {
  const half = Math.ceil(devnet.nodes.length / 2);
  const indexes = devnet.nodes.map((node) => node.index);
  const two = `${indexes.slice(0, half).join(',')}|${indexes.slice(half).join(',')}`;
  const cut = devnet.groups ? `Cut: ${devnet.groups.map((side) => side.join(', ')).join(' | ')}.` : 'The network is whole.';
  const faults = devnet.faults.slice(0, 20).map((one) => `${one.from} → ${one.to}: ${[one.delay_ms ? `${one.delay_ms} ms late` : '', one.drop_per_thousand ? `${one.drop_per_thousand} of 1000 dropped` : ''].filter(Boolean).join(', ')}`);
  const any = /** @type {[string, string][]} */ ([['', 'any'], ...choices]);
  const links = (/** @type {Record<string, string>} */ values) => (values.from && values.to ? { from: Number(values.from), to: Number(values.to) } : {});
  const ends = /** @type {Field[]} */ ([{ name: 'from', label: 'from', kind: 'choice', choices: any }, { name: 'to', label: 'to', kind: 'choice', choices: any }]);
  return [
    h('p', { class: 'note' }, [cut, faults.length ? list(faults) : ''].filter(Boolean).join(' ')),
    form(ctx, 'partition', '/devnet/partition', [{ name: 'groups', label: 'Sides', kind: 'text', value: two }], (values) => ({ groups: groupsOf(values.groups) }), 'Partition'),
    h('div', { class: 'buttons' }, button(ctx, 'Heal: undo partition, delay and drop', '/devnet/heal', {})),
    line(ctx, '/devnet/heal', {}),
    form(ctx, 'delay', '/devnet/delay', [{ name: 'ms', label: 'Delay (ms)', kind: 'number', value: '200', size: 6 }, ...ends], (values) => ({ ms: Number(values.ms), ...links(values) }), 'Delay'),
    form(ctx, 'drop', '/devnet/drop', [{ name: 'part', label: 'Drop of 1000', kind: 'number', value: '300', size: 6 }, ...ends], (values) => ({ per_thousand: Number(values.part), ...links(values) }), 'Drop'),
  ];
}

/** @param {Ctx} ctx @param {[string, string][]} accounts */
function money(ctx, accounts) {
  const [first, second] = [accounts[0]?.[0] ?? '', accounts[1]?.[0] ?? ''];
  return [
    form(ctx, 'transfer', '/devnet/transfer', [{ name: 'from', label: 'From', kind: 'choice', choices: accounts }, { name: 'to', label: 'to', kind: 'text', value: second, size: 14 }, { name: 'amount', label: 'amount', kind: 'text', value: '5', size: 8 }], (values) => ({ from: values.from, to: values.to, amount: values.amount }), 'Send'),
    form(ctx, 'record', '/devnet/record', [{ name: 'from', label: 'From', kind: 'choice', choices: accounts }, { name: 'key', label: 'key', kind: 'text', value: 'greeting', max: 514 }, { name: 'value', label: 'value', kind: 'text', value: 'hello', max: 4096 }], (values) => ({ from: values.from, key: values.key, value: values.value }), 'Keep a record'),
    form(ctx, 'faucet', '/devnet/faucet', [{ name: 'to', label: 'Faucet to', kind: 'text', value: first, size: 14 }, { name: 'amount', label: 'amount', kind: 'text', value: '100', size: 8 }], (values) => ({ to: values.to, amount: values.amount }), 'Give'),
  ];
}

/** @param {Ctx} ctx @param {Devnet} devnet */
function past(ctx, devnet) {
  const { snapshots, failure } = devnet.turns ?? { snapshots: [], failure: null };
  const ahead = devnet.clock?.ahead_ms ?? 0;
  const held = devnet.clock?.held_ms ?? null;
  const time = held !== null ? 'The clock of the blocks stands still until the next one.' : ahead > 0 ? `The clock of the blocks is ${ago(ahead)} ahead of this machine’s.` : 'The clock of the blocks is this machine’s.';
  const kept = /** @type {[string, string][]} */ (snapshots.map((one) => [String(one.snapshot), `snapshot ${one.snapshot}, height ${whole(one.height)}`]));
  return [
    h('p', { class: 'note' }, `${snapshots.length ? `${count(snapshots.length, 'snapshot')} kept.` : 'No snapshot is kept.'} All nodes stop for a moment to take one or to go back to one.`),
    failure ? h('p', { class: 'trouble' }, failure) : null,
    h('div', { class: 'buttons' }, button(ctx, 'Snapshot', '/devnet/snapshot', {})),
    line(ctx, '/devnet/snapshot', {}),
    kept.length ? form(ctx, 'revert', '/devnet/revert', [{ name: 'snapshot', label: 'Back to', kind: 'choice', choices: kept }], (values) => ({ snapshot: Number(values.snapshot) }), 'Revert') : null,
    h('p', { class: 'note' }, time),
    form(ctx, 'time', '/devnet/time', [{ name: 'seconds', label: 'Forward (s)', kind: 'number', value: '3600', size: 8 }], (values) => ({ add_ms: Number(values.seconds) * 1000 }), 'Go forward'),
  ];
}

/** @param {Ctx} ctx @param {[string, string][]} choices */
function panicking(ctx, choices) {
  const names = ['Mempool', 'Proposer', 'VoteCollector', 'RoundDriver', 'Committer', 'BlockSync', 'PeerGateway', 'RpcGateway', 'PeerBroadcaster', 'StateStore'];
  const actors = /** @type {[string, string][]} */ (names.map((name) => [name, name]));
  return form(ctx, 'panic', '/devnet/panic', [{ name: 'node', label: 'On', kind: 'choice', choices }, { name: 'actor', label: 'panic', kind: 'choice', choices: actors }], (values) => ({ node: Number(values.node), actor: values.actor }), 'Panic');
}
