/** What a signature covers: tag ‖ chain id ‖ genesis hash ‖ payload. */
import { encode, option, struct, u32, u64 } from '../bytes/codec.js';
import { Writer } from '../bytes/writer.js';
import { fromHex } from '../hex.js';
import { hash32, type Hash } from './words.js';

/** The chain that signatures are bound to. */
export interface ChainContext {
  /** The chain's number; 1337n is the public devnet. */
  chainId: bigint;
  /** The hash of the genesis document. */
  genesisHash: Hash;
}

/** The bytes under a signature of this kind on this chain. */
export function signBytes(chain: ChainContext, tag: 'LS-TRANS' | 'LS-PRECO', payload: Uint8Array): Uint8Array {
  const writer = new Writer();
  writer.put(new TextEncoder().encode(tag));
  writer.u64(chain.chainId);
  writer.put(fromHex(chain.genesisHash, 32));
  writer.put(payload);
  return writer.done();
}

interface Precommit {
  height: bigint;
  round: number;
  blockId: Hash | null;
}

const precommit = struct<Precommit>({ height: u64, round: u32, blockId: option(hash32) });

/** The bytes under the precommits of a certificate: those of all its members are equal. */
export function precommitSignBytes(chain: ChainContext, of: Precommit): Uint8Array {
  return signBytes(chain, 'LS-PRECO', encode(precommit, of));
}
