// What a view says of an answer, without a browser.
import assert from 'node:assert/strict';
import test from 'node:test';
import { textOf } from '../../../page/dom.js';
import { Store } from '../../../page/store.js';
import { drawRecord } from '../../../page/views/ledger.js';
import { VALIDATORS } from './fake.mjs';

/** What a view is drawn from, where every question has this answer. */
function ctx(place, value, more = {}) {
  const read = { value, error: null, at: 0, isLoading: false };
  const reads = { get: () => read, call: () => read };
  return { store: new Store(['']), reads, now: 0, base: '', controls: { outcomes: [], chosen: new Map(), base: () => '' }, place, ...more };
}

test('a record shows its value, when it was written, and the state that proves it', () => {
  const key = '0x6772656574696e67';
  const answer = { address: VALIDATORS[0], key, height: 795, state_root: '0xb1', proof: '0x01', record: { value: '0x68656c6c6f', height: 738 } };
  const text = textOf(drawRecord(ctx({ view: 'record', rest: [VALIDATORS[0], key] }, answer)));
  for (const words of ['greeting', 'hello', '5 B', '738', '795', '0xb1']) assert.ok(text.includes(words), `${words}: ${text}`);
  const none = textOf(drawRecord(ctx({ view: 'record', rest: [VALIDATORS[0], key] }, { ...answer, record: null })));
  assert.match(none, /it is not there/);
  assert.ok(none.includes('795') && none.includes('0x01'), 'that it is not there is proven too');
});
