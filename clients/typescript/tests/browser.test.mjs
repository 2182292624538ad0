// The package in a browser, from a page of another origin than the node: a first transfer, proved by the light client.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import test from 'node:test';
import { chromium } from 'playwright-core';
import { devnet, skip as noNode } from './support/devnet.mjs';

const executablePath = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path && existsSync(path));
const isRequired = process.env.LOCKSTEP_CLIENTS === 'required';
const skip = noNode || (executablePath || isRequired ? false : 'no Chromium: apt-get install chromium, or CHROMIUM');

const noble = ['ciphers', 'curves', 'hashes', 'post-quantum'];
const imports = {
  'lockstep-client': '/dist/index.js',
  ...Object.fromEntries(noble.map((name) => [`@noble/${name}/`, `/node_modules/@noble/${name}/`])),
};

const page = `<!doctype html><title>first transfer</title>
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">
  import { Client, Key } from 'lockstep-client';
  const client = new Client(new URL(location).searchParams.get('node'));
  const savings = Key.generate();
  try {
    const { id } = await client.header(1n);
    const session = client.light({ trusted: id + '@1' });
    const receipt = await client.sendAndWait(await client.transfer(Key.devnet('alice'), { to: savings.address, amount: 5_000_000n }));
    const { value, header } = await session.account(savings.address);
    const paid = await session.receipt(receipt.id);
    const heights = [];
    for await (const head of client.newHeads({ from: 1n })) {
      heights.push(Number(head.header.height));
      if (heights.length === 2) break;
    }
    window.outcome = { balance: String(value.balance), isLater: header.height >= receipt.height, paid: paid.value.status.kind, heights };
  } catch (error) {
    window.outcome = { error: error.stack, code: error.code };
  }
</script>`;

/** Serves the page, the package and what it is built on; nothing else. */
async function serve() {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://page');
    const isOurs = /^\/(dist|node_modules\/@noble)\/[\w\-./]+\.js$/.test(pathname) && !pathname.includes('..');
    if (pathname === '/') return response.writeHead(200, { 'content-type': 'text/html' }).end(page);
    const file = isOurs && (await readFile(new URL(`..${pathname}`, import.meta.url)).catch(() => null));
    return file
      ? response.writeHead(200, { 'content-type': 'text/javascript' }).end(file)
      : response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

test('a page pays a new account and proves what it holds', { skip }, async (t) => {
  if (!executablePath) throw new Error('no Chromium: apt-get install chromium, or CHROMIUM');
  const net = await devnet('--scheme', 'ml-dsa-65', '--block-time', '250ms');
  t.after(net.stop);
  const server = await serve();
  t.after(() => server.close());
  const browser = await chromium.launch({
    executablePath,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
  t.after(() => browser.close());
  const tab = await browser.newPage();
  const said = [];
  tab.on('console', (message) => said.push(message.text()));
  tab.on('pageerror', (error) => said.push(String(error)));
  await tab.goto(`http://127.0.0.1:${server.address().port}/?node=${encodeURIComponent(net.urls[0])}`);
  const outcome = await (await tab.waitForFunction('window.outcome', undefined, { timeout: 60_000 })).jsonValue();
  assert.deepEqual(outcome, { balance: '5000000', isLater: true, paid: 'success', heights: [1, 2] }, said.join('\n'));
});
