/** The envelope around every body of canonical bytes: protocol version ‖ genesis hash ‖ the value. */
import { decode, encode, type Codec } from '../bytes/codec.js';
import { BytesError } from '../errors.js';
import { Reader } from '../bytes/reader.js';
import { Writer } from '../bytes/writer.js';
import { fromHex, toHex } from '../hex.js';
import { PROTOCOL_VERSION } from '../limits.js';
import { type Hash } from './words.js';

const ENVELOPE_BYTES = 34;

/** The bytes of a message of one chain. */
export function seal<T>(codec: Codec<T>, genesisHash: Hash, value: T): Uint8Array {
  const writer = new Writer();
  writer.u16(PROTOCOL_VERSION);
  writer.put(fromHex(genesisHash, 32));
  writer.put(encode(codec, value));
  return writer.done();
}

/**
 * Reads a message. One of another version or chain is told apart before anything else of it is read.
 *
 * @throws {@link BytesError} `too_large`, `malformed`, `version` or `foreign_chain`
 */
export function open<T>(codec: Codec<T>, genesisHash: Hash, bytes: Uint8Array, kind: string, limit: number): T {
  if (bytes.length > limit) {
    throw new BytesError('too_large', `${bytes.length} bytes are more than the limit of ${limit}`);
  }
  if (bytes.length < ENVELOPE_BYTES) {
    throw new BytesError('malformed', `malformed ${kind}: shorter than its envelope`);
  }
  const envelope = new Reader(bytes.subarray(0, ENVELOPE_BYTES), kind);
  const version = envelope.u16();
  if (version !== PROTOCOL_VERSION) {
    throw new BytesError(
      'version',
      `the message speaks protocol version ${version}, this client ${PROTOCOL_VERSION}: use a program of that version`,
    );
  }
  const genesis = toHex(envelope.take(32));
  if (genesis !== genesisHash) {
    throw new BytesError('foreign_chain', `the message belongs to the chain with genesis ${genesis}`);
  }
  return decode(codec, bytes.subarray(ENVELOPE_BYTES), kind, limit);
}
