/** What the state holds of accounts, records and applications, and how one is proved below a state root. */
import { bytes, encode, option, struct, text, u64 } from '../bytes/codec.js';
import { hash } from '../hash.js';
import { fromHex } from '../hex.js';
import { provesState, statePath, type StatePath } from './state-tree.js';
import { type Address, type Hash } from './words.js';

/** What changes with an account's transactions. */
export interface Account {
  /** In the chain's smallest unit. */
  balance: bigint;
  /** How many transactions of it have been executed: the nonce of the next one. */
  nonce: bigint;
}

/** What stands under a key of an account. */
export interface StateRecord {
  value: Uint8Array;
  /** The block that has written it last. */
  height: bigint;
}

/** A claim about one account, with its path. */
export interface AccountProof {
  /** `null` claims that there is no such account. */
  account: Account | null;
  path: StatePath;
}

/** A claim about one key of one account, with its path. */
export interface RecordProof {
  /** `null` claims that there is no such record. */
  record: StateRecord | null;
  path: StatePath;
}

/** A claim about one key of one application, with its path. */
export interface ApplicationProof {
  /** `null` claims that there is no such value. */
  value: Uint8Array | null;
  path: StatePath;
}

/** What a node shows of one account: its claim, and the height that it claims it for. */
export interface ProvedAccount extends AccountProof {
  height: bigint;
}

/** What a node shows of one key of one account. */
export interface ProvedRecord extends RecordProof {
  height: bigint;
}

/** What a node shows of one key of one application. */
export interface ProvedApplication extends ApplicationProof {
  height: bigint;
}

const account = struct<Account>({ balance: u64, nonce: u64 });
const record = struct<StateRecord>({ value: bytes, height: u64 });

export const accountProof = struct<AccountProof>({ account: option(account), path: statePath });
export const recordProof = struct<RecordProof>({ record: option(record), path: statePath });
export const provedAccount = struct<ProvedAccount>({ height: u64, account: option(account), path: statePath });
export const provedRecord = struct<ProvedRecord>({ height: u64, record: option(record), path: statePath });
export const applicationProof = struct<ApplicationProof>({ value: option(bytes), path: statePath });
export const provedApplication = struct<ProvedApplication>({ height: u64, value: option(bytes), path: statePath });

/** Name and key are hashed with their counts: no two pairs of them meet. */
const place = struct<{ application: string; key: Uint8Array }>({ application: text, key: bytes });

/** Whether `proved` leads from its claim about `address` to this state root. */
export function provesAccount(proved: AccountProof, stateRoot: Hash, address: Address): boolean {
  const value = proved.account === null ? null : encode(account, proved.account);
  return provesState(proved.path, stateRoot, hash('account/', fromHex(address, 20)), value);
}

/** Whether `proved` leads from its claim about `key` of `owner` to this state root. */
export function provesRecord(proved: RecordProof, stateRoot: Hash, owner: Address, key: Uint8Array): boolean {
  const value = proved.record === null ? null : encode(record, proved.record);
  return provesState(proved.path, stateRoot, hash('record/', fromHex(owner, 20), key), value);
}

/** Whether `proved` leads from its claim about `key` of an application to this state root. */
export function provesApplication(
  proved: ApplicationProof,
  stateRoot: Hash,
  application: string,
  key: Uint8Array,
): boolean {
  const keyHash = hash('lockstep/application/v1', encode(place, { application, key }));
  return provesState(proved.path, stateRoot, keyHash, proved.value);
}
