// The examples of README.md, as they are written.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile, readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { devnet, skip } from './support/devnet.mjs';

const packageDir = fileURLToPath(new URL('..', import.meta.url));

describe('the README', { skip }, () => {
  let net;
  let examples;

  before(async () => {
    const text = await readFile(`${packageDir}README.md`, 'utf8');
    examples = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);
    net = await devnet('--scheme', 'ml-dsa-65');
  });

  after(() => net.stop());

  /** Runs a module that names this package as its users do. */
  async function run(code) {
    const directory = await mkdtemp(`${packageDir}example-`);
    try {
      await writeFile(`${directory}/example.mjs`, code);
      const preload = new URL('support/elsewhere.mjs', import.meta.url).href;
      const child = spawn(process.execPath, ['--import', preload, `${directory}/example.mjs`], {
        env: { ...process.env, LOCKSTEP_URL: net.urls[0] },
      });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (said += bytes));
      const code_ = await new Promise((done) => child.once('exit', done));
      assert.equal(code_, 0, said);
      return said;
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  it('has a first transfer that works, in ten lines', async () => {
    const [first] = examples;
    assert.ok(
      first
        .trim()
        .split('\n')
        .filter((line) => line !== '').length <= 10,
    );
    assert.match(await run(first), /^success in block \d+: 5000000\n$/);
  });

  it('has further examples that work', async () => {
    assert.ok(examples.length >= 3, `${examples.length} examples`);
    for (const example of examples.slice(1)) assert.notEqual(await run(example), '');
  });
});
