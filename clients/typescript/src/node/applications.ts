/** What a node says of the applications of its chain; a {@link LightSession} proves what they keep. */
import { ArgumentError, BytesError } from '../errors.js';
import { toHex } from '../hex.js';
import { isName } from '../nouns/words.js';
import { Fields } from './json.js';
import { type CallOptions, type Transport } from './transport.js';

/** An application that the chain's genesis names. */
export interface Application {
  name: string;
  version: number;
}

/** What an application keeps under a key. */
export interface ApplicationState {
  /** `null`: nothing. */
  value: Uint8Array | null;
  /** The block after which it is so. */
  height: bigint;
}

/** What an application answers to a question. */
export interface QueryAnswer {
  value: Uint8Array;
  /** The block after which it is so. */
  height: bigint;
}

/** @throws {@link ArgumentError} for what no application can be called */
export function demandName(application: string): void {
  if (isName(application)) return;
  throw new ArgumentError('an application has a name of 1 to 32 of a-z, 0-9 and -, a letter first');
}

/** All of them, rising by name. */
export async function applications(transport: Transport, options: CallOptions): Promise<Application[]> {
  const answer = await transport.rpc('lockstep_getApplications', [], options);
  if (!Array.isArray(answer)) throw new BytesError('malformed', 'the applications of a chain are a list');
  return answer.map((one) => {
    const fields = new Fields(one, 'application');
    return { name: fields.text('name'), version: fields.number('version') };
  });
}

export async function applicationState(
  transport: Transport,
  application: string,
  key: Uint8Array,
  options: CallOptions,
): Promise<ApplicationState> {
  demandName(application);
  const answer = await transport.rpc('lockstep_getApplicationState', [application, toHex(key)], options);
  const fields = new Fields(answer, 'state');
  return { value: fields.bytesOrNull('value'), height: fields.whole('height') };
}

export async function query(
  transport: Transport,
  application: string,
  path: string,
  data: Uint8Array,
  options: CallOptions,
): Promise<QueryAnswer> {
  demandName(application);
  const answer = await transport.rpc('lockstep_query', [application, path, toHex(data)], options);
  const fields = new Fields(answer, 'answer');
  return { value: fields.bytes('value'), height: fields.whole('height') };
}
