// The steps of clients/conformance, against a devnet.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Client, Key, encode, fromHex, nouns, toHex } from '../dist/index.js';
import { devnet, skip } from './support/devnet.mjs';

const folder = new URL('../../conformance/', import.meta.url);
const keys = Object.fromEntries(['alice', 'bob', 'carol', 'dave'].map((name) => [name, Key.devnet(name)]));
const addressOf = (name) => keys[name]?.address ?? name;

/** What a receipt shows of itself. */
const shown = ({ fee, bytes, code, applicationCode, events }) => ({
  fee: String(fee),
  bytes,
  code,
  application_code: applicationCode,
  events: events.map(({ name, data }) => [name, toHex(data)]),
});

/** What is signed of a transaction, without what binds it to the chain. */
const payload = ({ sender, body }) => toHex(Uint8Array.of(...fromHex(sender), ...encode(nouns.transactionBody, body)));

class Runner {
  constructor(url) {
    this.client = new Client(url);
    this.signed = {};
  }

  async take(step) {
    const got = await this[step.do](step).catch((error) => ({
      code: error.code ?? error.stack,
      has_receipt: (error.receipt ?? null) !== null,
    }));
    if (step.expect === null) return assert.equal(got, null, JSON.stringify(step));
    const code = step.expect.code ?? null;
    for (const [field, expected] of Object.entries({ ...step.expect, ...(got && 'code' in got && { code }) })) {
      assert.deepEqual(got?.[field], expected, `${field} of ${JSON.stringify(step).slice(0, 300)}`);
    }
  }

  async chain() {
    const { chainId, scheme, genesisHash } = await this.client.chain();
    return { chain_id: Number(chainId), scheme, genesis_hash: genesisHash };
  }

  async account({ of }) {
    const { balance, nonce, exists } = await this.client.account(addressOf(of));
    return { balance: String(balance), nonce: Number(nonce), exists };
  }

  async #sign(step, sign, fields) {
    const given = Object.fromEntries(
      [
        ['nonce', 'nonce'],
        ['fee', 'fee'],
        ['expires_at', 'expiresAt'],
      ].flatMap(([name, option]) => (name in step ? [[option, BigInt(step[name])]] : [])),
    );
    const signed = await sign.call(this.client, keys[step.key], { ...fields, ...given });
    this.signed[step.as] = signed;
    return { payload: payload(signed.transaction), id: signed.id };
  }

  async transfer(step) {
    return this.#sign(step, this.client.transfer, {
      to: addressOf(step.to),
      amount: BigInt(step.amount),
      memo: step.memo,
    });
  }

  async put(step) {
    return this.#sign(step, this.client.put, { key: fromHex(step.record), value: fromHex(step.value) });
  }

  async delete(step) {
    return this.#sign(step, this.client.delete, { key: fromHex(step.record) });
  }

  async update_validator(step) {
    return this.#sign(step, this.client.updateValidator, {
      publicKey: keys[step.public_key].publicKey,
      power: BigInt(step.power),
    });
  }

  async declare_ready(step) {
    return this.#sign(step, this.client.declareReady, {});
  }

  async call(step) {
    return this.#sign(step, this.client.call, { application: step.application, data: fromHex(step.data) });
  }

  async send({ what }) {
    return { status: await this.client.send(this.signed[what]) };
  }

  async send_and_wait({ what }) {
    const receipt = await this.client.sendAndWait(this.signed[what]);
    assert.equal(receipt.id, this.signed[what].id);
    return shown(receipt);
  }

  async send_bytes({ bytes }) {
    return { status: await this.client.send({ bytes: fromHex(bytes) }) };
  }

  async receipt({ id, what }) {
    const receipt = await this.client.receipt(id ?? this.signed[what].id);
    return receipt && shown(receipt);
  }

  async record({ of, key }) {
    const record = await this.client.record(addressOf(of), fromHex(key));
    return record && { value: toHex(record.value) };
  }

  async applications() {
    return { names: (await this.client.applications()).map(({ name }) => name) };
  }

  async application_state({ application, key }) {
    const { value } = await this.client.applicationState(application, fromHex(key));
    return { value: value && toHex(value) };
  }

  async query({ application, path, data }) {
    return { value: toHex((await this.client.query(application, path, fromHex(data))).value) };
  }

  async verified_application_state({ application, key, trusted_height: height }) {
    const { value } = await (await this.#session(height)).applicationState(application, fromHex(key));
    return { value: value && toHex(value) };
  }

  async #session(height) {
    return this.client.light({ trusted: `${(await this.client.header(BigInt(height))).id}@${height}` });
  }

  async verified_account({ of, trusted_height: height }) {
    const { value } = await (await this.#session(height)).account(addressOf(of));
    return value && { balance: String(value.balance), nonce: Number(value.nonce) };
  }

  async verified_record({ of, key, trusted_height: height }) {
    const { value } = await (await this.#session(height)).record(addressOf(of), fromHex(key));
    return value && { value: toHex(value.value) };
  }

  async new_heads({ from, count }) {
    const heights = [];
    for await (const { header } of this.client.newHeads({ from: BigInt(from) })) {
      heights.push(Number(header.height));
      if (heights.length === count) break;
    }
    return { heights };
  }

  async rpc({ method, params }) {
    return this.client.rpc(method, params);
  }
}

for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
  test(`${name}: each step gives what it has to give`, { skip }, async (t) => {
    const plan = JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
    const net = await devnet(...plan.devnet);
    t.after(net.stop);
    const runner = new Runner(net.urls[0]);
    for (const step of plan.steps) await runner.take(step);
  });
}
