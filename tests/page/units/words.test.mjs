// How things are written and found.
import assert from 'node:assert/strict';
import test from 'node:test';
import { h, isSafeLink, s, textOf } from '../../../page/dom.js';
import * as format from '../../../page/format.js';
import { read, to } from '../../../page/router.js';
import { find } from '../../../page/search.js';
import { curl } from '../../../page/controls.js';
import { groupsOf } from '../../../page/views/devnet.js';

test('whole numbers keep every digit, as numbers and as text', () => {
  assert.equal(format.whole(1234567), '1\u202f234\u202f567');
  assert.equal(format.whole('18446744073709551615'), '18\u202f446\u202f744\u202f073\u202f709\u202f551\u202f615');
  assert.equal(format.whole('no number'), 'no number');
});

test('times are written in the unit that people read', () => {
  assert.deepEqual([400, 9_949, 61_000, 600_000, 90_000_000, 1e9].map(format.ago), ['0.4 s', '9.9 s', '61 s', '10 min', '25 h', '11 days']);
  assert.deepEqual([3.2, 850, 2500, 250_000, 3e6].map(format.micros), ['3.2 µs', '850 µs', '2.5 ms', '250 ms', '3.0 s']);
  assert.equal(format.ago(null), '–');
  assert.deepEqual([null, 0, 13.4, 99, 100, 1002, 90_000].map(format.span), ['–', '0 ms', '13 ms', '99 ms', '0.1 s', '1.0 s', '90 s']);
  assert.equal(format.clock(NaN), '–');
});

test('a record that is text is shown as text, other bytes as hex', () => {
  assert.equal(format.textOfHex('0x3c693e6b'), '<i>k');
  assert.equal(format.textOfHex('0xff'), null);
  assert.equal(format.textOfHex('0x00'), null);
  assert.equal(format.hexOfText('<i>k'), '0x3c693e6b');
});

test('the search box tells heights, ids, addresses and records apart', () => {
  const address = '0x' + 'aB'.repeat(20);
  assert.equal(find('1 234'), '#/block/1234');
  assert.equal(find('ab'.repeat(32)), `#/id/0x${'ab'.repeat(32)}`);
  assert.equal(find(address), `#/account/${address.toLowerCase()}`);
  assert.equal(find(`${address}/<i>k`), `#/record/${address.toLowerCase()}/0x3c693e6b`);
  assert.equal(find(`${address}/0x00ff`), `#/record/${address.toLowerCase()}/0x00ff`);
  assert.equal(find('  '), null);
  assert.match(find('<script>'), /^#\/nothing\//);
});

test('a link leads back to what it was made from', () => {
  const words = ['record', 'ä/#?%', '<script>'];
  const place = read(to(...words));
  assert.deepEqual([place.view, ...place.rest], words);
  assert.equal(read('#/actors/Mempool?node=0x1').query.get('node'), '0x1');
  assert.deepEqual(read('#/%').rest, []);
});

test('a link that is none of this page or of the web is none at all', () => {
  for (const safe of ['#/', '/status', 'http://a', 'https://a']) assert.ok(isSafeLink(safe), safe);
  for (const bad of ['javascript:alert(1)', 'data:text/html,x', '//evil', ' javascript:x', 'vbscript:x']) assert.ok(!isSafeLink(bad), bad);
});

test('a description has texts and elements, and nothing is left out but what is nothing', () => {
  const piece = h('p', {}, 'a', null, false, undefined, 0, [h('b', {}, '<i>')], s('title', {}, 'c'));
  assert.equal(textOf(piece), 'a0<i>c');
  assert.throws(() => h('ol', {}, Array.from({ length: 3000 }, () => 'x')), RangeError);
});

test('the curl line of an order can be pasted whatever stands in it', () => {
  assert.equal(curl('http://a', '/devnet/record', { value: "it's" }), `curl -X POST http://a/devnet/record -H 'Content-Type: application/json' -d '{"value":"it'\\''s"}'`);
  assert.deepEqual(groupsOf('0, 1 | 2,3'), [[0, 1], [2, 3]]);
});
