// A chain whose validators change: followed by what the header before names, or by what of the trusted set is
// left, and nobody is believed who lies about it (protocol's changes.rs and skipping.rs).
import assert from 'node:assert/strict';
import test from 'node:test';
import { Bisection, LightClient, nouns } from '../dist/index.js';
import { Cast, NOW, World, ZERO, chain } from './support/world.mjs';

/** How many validate each height from 1 on; the next set is the same with one more or one less. */
const SIZES = [4, 4, 4, 5, 5, 6, 7, 7, 6, 5, 4, 4, 4, 4];
const LAST = 13n;
const CASTS = SIZES.map((size) => new Cast(size));

const blocks = [];
let previous = chain.genesisHash;
for (let height = 1n; height <= LAST; height += 1n) {
  const [now, next] = [CASTS[Number(height) - 1], CASTS[Number(height)]];
  const shown = now.signed(now.header(height, previous, { nextValidatorsHash: next.hash }), now.quorum());
  blocks.push(shown);
  previous = nouns.blockId(shown.header);
}

const block = (height) => structuredClone(blocks[Number(height) - 1]);

function clientAt(height) {
  const shown = block(height);
  return LightClient.start(chain, { id: nouns.blockId(shown.header), height }, shown, NOW);
}

/** The block of a height as `cast` would have it, signed by a quorum of it. */
const claimed = (height, cast) => cast.signed({ ...block(height).header, validatorsHash: cast.hash }, cast.quorum());

function refused(client, asked, shown, code) {
  const { id } = client.trusted;
  assert.throws(() => client.advance(asked, shown, NOW), { name: 'LightError', code });
  assert.equal(client.trusted.id, id, 'it keeps what it has');
}

test('it follows every addition and removal, header by header', () => {
  const client = clientAt(1n);
  for (let height = 2n; height <= LAST; height += 1n) {
    client.advance(height, block(height), NOW);
    assert.equal(client.trusted.validators.validators.length, SIZES[Number(height) - 1]);
  }
});

test('it skips over changes, from every height to the last and from the first to every height', () => {
  const pairs = blocks
    .flatMap((_, index) => [
      [1n, BigInt(index + 1)],
      [BigInt(index + 1), LAST],
    ])
    .filter(([from, to]) => from < to);
  for (const [from, to] of pairs) {
    const client = clientAt(from);
    const way = new Bisection(to);
    for (let height = way.wanted(client); height !== null; height = way.wanted(client))
      way.take(client, block(height), NOW);
    assert.deepEqual(client.trusted.header, block(to).header, `${from} to ${to}`);
  }
});

// The set of height 4 has a fifth member. A server shows the four that were before it, the seven that come
// later, or strangers: each signed by a quorum of itself.
test('another set than the named one is refused at a change', () => {
  for (const size of [4, 6, 7]) {
    const client = clientAt(3n);
    refused(client, 4n, claimed(4n, new Cast(size)), 'other_validators');
    client.advance(4n, block(4n), NOW);
  }
  // The same members with other powers are another set.
  refused(clientAt(3n), 4n, claimed(4n, new Cast([1n, 1n, 1n, 1n, 2n])), 'other_validators');
});

test('a true header with another set is refused at a change', () => {
  refused(clientAt(3n), 4n, { ...block(4n), validators: block(3n).validators }, 'validators_hash');
  const lie = block(4n);
  lie.validators[0].power = 9n;
  refused(clientAt(3n), 4n, lie, 'validators_hash');
});

test('a certificate that only the old set would take is refused: three of five are no quorum', () => {
  const [four, five] = [new Cast(4), new Cast(5)];
  refused(clientAt(3n), 4n, five.signed(block(4n).header, [0, 1, 2]), 'no_quorum');
  // Three signatures of the four, whose bitmap fits as well.
  const { certificate } = four.signed(block(4n).header, [0, 1, 2]);
  refused(clientAt(3n), 4n, { ...block(4n), certificate }, 'no_quorum');
});

test('a forged name of the next set is refused with its header', () => {
  const lie = block(3n);
  lie.header.nextValidatorsHash = new Cast(7).hash;
  refused(clientAt(2n), 3n, lie, 'certificate_of_other');
  refused(clientAt(2n), 3n, new Cast(4).signed(lie.header, [0, 1]), 'no_quorum');
});

const world = new World();
const twelve = new Cast(12);
const strangers = twelve.places(world.cast, false);
const old = twelve.places(world.cast, true);
const rising = (places) => [...places].sort((a, b) => a - b);

/** A header of twelve validators that eight new ones and this many of the old four signed. */
const withOld = (count) => twelve.signed(twelve.header(20n, ZERO), rising([...strangers, ...old.slice(0, count)]));

test('a far header needs more than a third of the trusted power', () => {
  const client = world.client(3n);
  refused(client, 20n, withOld(1), 'too_far_ahead');
  client.advance(20n, withOld(2), NOW);
  assert.equal(client.trusted.validators.validators.length, 12);
});

test('old validators do not make up for a quorum of the new', () => {
  refused(world.client(3n), 20n, twelve.signed(twelve.header(20n, ZERO), old), 'no_quorum');
});

test('where the validators have changed too much the middle comes first', () => {
  const seven = new Cast(7);
  const signers = rising([...seven.places(world.cast, false), ...seven.places(world.cast, true).slice(0, 2)]);
  const shown = { 11: seven.signed(seven.header(11n, ZERO), signers), 20: withOld(1) };
  const client = world.client(3n);
  const way = new Bisection(20n);
  const asked = [];
  for (let height = way.wanted(client); height !== null; height = way.wanted(client)) {
    asked.push(height);
    way.take(client, shown[height], NOW);
  }
  assert.deepEqual(asked, [20n, 11n, 20n]);
  assert.equal(client.trusted.header.height, 20n);
});

test('a set that nobody vouches for ends at the next header', () => {
  const client = world.client(3n);
  const way = new Bisection(1n << 40n);
  const parent = nouns.blockId(world.block(3n).header);
  const signers = rising([...strangers, ...old.slice(0, 1)]);
  let steps = 0;
  assert.throws(
    () => {
      for (let height = way.wanted(client); height !== null; height = way.wanted(client)) {
        steps += 1;
        // Signed for nothing: nobody looks at the signatures of a set that is too far ahead.
        const header = twelve.header(height, parent, { time: 5_000n });
        const signed = signers.map((place) => [place, new Uint8Array(3_309)]);
        const certificate = { height, round: 0, blockId: nouns.blockId(header), signers: twelve.signers(signed) };
        way.take(client, { header, certificate, validators: twelve.validators }, NOW);
      }
    },
    { code: 'other_validators' },
  );
  assert.ok(steps <= 64, `${steps}`);
  assert.equal(client.trusted.header.height, 3n);
});
