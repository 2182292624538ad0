// Files of the repository that this package is checked against.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../../../', import.meta.url);

export const pathOf = (name) => fileURLToPath(new URL(name, root));
export const exists = (name) => existsSync(pathOf(name));
export const read = (name) => readFileSync(pathOf(name), 'utf8');
export const json = (name) => JSON.parse(read(name));

/** The golden nouns of the Rust implementation: for each name its bytes, sign bytes and hashes, in hex. */
export function goldenNouns() {
  const nouns = new Map();
  let noun;
  let field;
  for (const line of read('protocol/tests/golden/nouns.txt').split('\n')) {
    const [, name] = /^\[(.*)\]$/.exec(line) ?? [];
    const [, label, value] = /^([a-z ]+) = ?(.*)$/.exec(line) ?? [];
    if (name !== undefined) nouns.set(name, (noun = {}));
    else if (label !== undefined) noun[(field = label)] = value || '0x';
    else if (line.startsWith('  ')) noun[field] += line.trim();
  }
  return nouns;
}
